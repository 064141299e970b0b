import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { child, interleaved, medianRatio } from './child.ts'
import { cost } from './cost.ts'
import { atMost, type Bench, note } from './figure.ts'

const PIPELINE = fileURLToPath(new URL('pipelines/ingest.ts', import.meta.url))
const ROUNDS = 15
const WARM_ROUNDS = 3
const SINGLES = 12_000
const LINES = 100
const BATCHES = 1_000

export const ingest = (directory: string): Bench => ({
  name: 'ingest',
  async run(say) {
    const [floor, parse, load, server] = await Promise.all([
      child('floor-server.ts'),
      child('parse-floor.ts'),
      child('load.ts'),
      child('millrace-server.ts', [PIPELINE, join(directory, 'ingest')]),
    ])
    const key = server.ready.key
    // The floors get the same requests, key and all.
    const single = { path: '/v1/topics/reading', requests: SINGLES, lines: 1, key }
    const batch = { path: '/v1/topics/reading/batch', requests: BATCHES, lines: LINES, key }
    // Compiling takes a while on both sides: its cost is a start's, not a datum's.
    for (let round = 0; round < WARM_ROUNDS; round++) {
      for (const warm of [floor, server]) await cost(warm, load, single)
      for (const warm of [parse, server]) await cost(warm, load, batch)
    }
    say(`single data, then batches of ${LINES}, against their floors, ${ROUNDS} rounds in turn`)
    const measured = await interleaved(ROUNDS, {
      bare: () => cost(floor, load, single),
      millrace: () => cost(server, load, single),
      parse: () => cost(parse, load, batch),
      batch: () => cost(server, load, batch),
    })
    await Promise.all([floor, parse, load, server].map(c => c.stop()))
    return {
      figures: [
        atMost('ingest of single data, against a bare server', medianRatio(measured.millrace, measured.bare), '×', 1.6),
        atMost('ingest of NDJSON × 100', Math.min(...measured.batch), 'CPU-s/M', 10),
        atMost('ingest of NDJSON × 100, against parse and validate alone', medianRatio(measured.batch, measured.parse), '×', 2.5),
      ],
      notes: [
        note('bare node:http, one datum', Math.min(...measured.bare), 'CPU-s/M'),
        note('ingest, one datum', Math.min(...measured.millrace), 'CPU-s/M'),
        note('parse and validate alone', Math.min(...measured.parse), 'CPU-s/M'),
      ],
    }
  },
})
