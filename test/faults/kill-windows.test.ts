import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { byEnd, type Expected, fixedWindows, pairs as pairsOf } from '../agents/windows/reference.ts'
import { Harness } from './harness.ts'
import { type Logged, readLog } from './log.ts'
import { seeded, seedOf } from './random.ts'
import { LATENESS_MS, WINDOW_MS, WITHIN_MS } from './windows-pipeline.ts'

const PIPELINE = fileURLToPath(new URL('./windows-pipeline.ts', import.meta.url))
const KILLS = 3
const LONGEST_MS = 700

it('windows and pairs of a process killed at any moment are what the whole log says, each once', { timeout: 120_000 }, async () => {
  const random = seeded(seedOf('kill-windows'))
  await using harness = new Harness(random, { pipeline: PIPELINE, lines: 10 })
  harness.send()
  for (let kill = 0; kill < KILLS; kill++) {
    const millrace = harness.start()
    await millrace.ready
    await sleep(random() * LONGEST_MS)
    millrace.signal('SIGKILL')
    expect(await millrace.ended, millrace.errors).toMatchObject({ signal: 'SIGKILL' })
  }
  harness.start()
  await harness.finish()
  await harness.rest(30_000)

  const view = await viewEmbedded(harness.data)
  try {
    const [readings, evens] = [await readLog(view, 'readings'), await readLog(view, 'evens')]
    const expected = [0, 1].map(partition => {
      const log = readings.filter(datum => datum.partition === partition).map(datum => dated(datum, 'station'))
      return fixedWindows(log, WINDOW_MS, WINDOW_MS, LATENESS_MS)
    })
    const windows = (await readLog(view, 'windows')).map(({ value }) => value as unknown as Expected) // the schema of windows
    expect(windows.length).toBeGreaterThan(0)
    expect(windows.toSorted(byEnd)).toEqual(expected.flatMap(({ closed }) => closed).sort(byEnd))
    const late = (await readLog(view, 'late')).map(({ value }) => value.n)
    expect(late.toSorted()).toEqual(expected.flatMap(({ late: numbers }) => numbers).toSorted())

    const found = (await readLog(view, 'pairs')).map(({ value }) => value.of)
    const both = pairsOf(
      readings.map(datum => dated(datum, 'n')),
      evens.map(datum => dated(datum, 'n')),
      WITHIN_MS,
    )
    expect(found.length).toBeGreaterThan(0)
    expect(found.map(String).sort()).toEqual(both.map(String).sort())
    expect(await view.letters.list({ limit: 1 })).toEqual([])
  } finally {
    await view.close()
  }
})

function dated({ value, createdMs }: Logged, key: 'station' | 'n') {
  return { n: value.n as number, key: String(value[key]), createdMs } // the schemas of readings and evens
}
