import { join } from 'node:path'
import { type Child, child, interleaved, medianRatio } from '../child.ts'
import { atMost, type Bench, note } from '../figure.ts'
import { freshEngine, startMillrace } from './millrace.ts'
import type { Servers } from './servers.ts'
import { least, type Used, used } from './slope.ts'

const ROUNDS = 9
const WARM_ROUNDS = 3
const LINES = 100
const BATCHES = 500
const CONNECTIONS = 64
const KEYS = 1_000
const DATA = BATCHES * LINES

/** The front end in a process of its own, in front of Kafka. */
export const ingest = (directory: string, servers: Servers): Bench => ({
  name: 'ingest',
  async run(say) {
    const engine = await freshEngine(servers)
    const [parse, load, server] = await Promise.all([
      child('parse-floor.ts'),
      child('load.ts'),
      startMillrace('ingest', join(directory, 'distributed-ingest'), engine, 'frontend'),
    ])
    const measure = (measured: Child): Promise<Used> =>
      used(['java'], async () => {
        const before = await measured.ask<number>('cpu')
        const { refused } = await load.ask<{ refused: number }>('run', {
          port: measured.ready.port,
          path: '/v1/topics/reading/batch',
          key: server.ready.key,
          requests: BATCHES,
          lines: LINES,
          connections: CONNECTIONS,
          keys: KEYS,
        })
        if (refused > 0) throw new Error(`${refused} of ${BATCHES} requests were refused.`)
        return (await measured.ask<number>('cpu')) - before
      })
    for (let round = 0; round < WARM_ROUNDS; round++) for (const warm of [parse, server]) await measure(warm)
    say(`batches of ${LINES} into Kafka, against parse and validate alone, ${ROUNDS} rounds in turn`)
    const rounds: Used[] = []
    const measured = await interleaved(ROUNDS, {
      parse: async () => (await measure(parse)).own,
      batch: async () => {
        const round = await measure(server)
        rounds.push(round)
        return round.own
      },
    })
    await Promise.all([parse, load, server].map(each => each.stop()))
    const best = least(rounds)
    return {
      figures: [atMost('front end to Kafka, NDJSON × 100', best.own / DATA, 'CPU-s/M', 10)],
      notes: [
        note('against parse and validate alone', medianRatio(measured.batch, measured.parse), '×'),
        note('parse and validate alone', Math.min(...measured.parse) / DATA, 'CPU-s/M'),
        note('Kafka meanwhile', best.servers.java! / DATA, 'CPU-s/M'),
      ],
    }
  },
})
