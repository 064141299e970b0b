import fc from 'fast-check'
import { agent, join, type Pipeline, pipeline, topic, tumbling } from 'millrace'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Engine } from '../../../src/engine/engine.ts'
import { TestRun } from '../../../src/testing/test-run.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { intercepted } from '../scene.ts'
import { byEnd, type Dated, fixedWindows } from './reference.ts'
import { ENGINES } from './runs.ts'

const START_MS = Date.UTC(2026, 0, 1)
const readings = topic('readings', z.object({ n: z.number() }), { partitions: 1, key: () => 'k' })
const shown = z.object({ startMs: z.number(), of: z.array(z.number()) })
const spans = topic('spans', shown, { partitions: 1 })
const late = topic('late', readings.schema, { partitions: 1 })

/** Windows of ten seconds, deployed with these times. */
function windowed(times: { lateness?: number; maxAhead?: number }) {
  const window = tumbling(10_000, { lateness: 0, ...times, late })
  const told = ({ startMs, data }: { startMs: number; data: readonly { n: number }[] }) => ({ startMs, of: data.map(({ n }) => n) })
  return pipeline('p', { agents: [agent('spanned', { version: 1, from: readings, to: spans, by: () => 'k', window }, told)] })
}

/** One engine under one deployment after the other, each killed by the next. */
async function deploymentsOn(open: (clock: VirtualClock) => Promise<Engine>) {
  let run: TestRun | undefined
  const clock = new VirtualClock({ settle: () => run?.step() ?? Promise.resolve() })
  const engine = await open(clock)
  const lasting = intercepted(engine, { close: () => Promise.resolve() })
  return {
    async deploy(graph: Pipeline): Promise<TestRun> {
      await run?.[Symbol.asyncDispose]()
      await engine.ensure([...graph.topics.values()].map(({ spec }) => spec))
      run = new TestRun(graph, lasting, clock, {})
      return run
    },
    async [Symbol.asyncDispose]() {
      await run?.[Symbol.asyncDispose]()
      await engine.close()
    },
  }
}

async function send(run: TestRun, ...seconds: readonly number[]) {
  for (const n of seconds) {
    await run.send(readings, { n }, { createdMs: START_MS + n * 1_000 })
    await run.settled()
  }
  // An agent whose units were cut off waits before it joins again.
  await run.clock.advance('1m')
}

/** An engine that is cut off may have an output twice, under one id. */
function distinct<T>({
  data,
  envelopes,
}: {
  readonly data: readonly T[]
  readonly envelopes: readonly { readonly dataId: string }[]
}): T[] {
  return [...new Map(envelopes.map(({ dataId }, i) => [dataId, data[i]!])).values()]
}

describe.each(ENGINES)('where a pipeline is killed and deployed anew with other times, on %s', (_, open) => {
  it('a smaller lateness loses no window: what it would have closed before is closed by the next datum', async () => {
    await using deployments = await deploymentsOn(open)
    await send(await deployments.deploy(windowed({ lateness: 5_000 })), 1, 12)
    const run = await deployments.deploy(windowed({ lateness: 0 }))
    await send(run, 13)
    expect(distinct(run.topic(spans))).toEqual([{ startMs: START_MS, of: [1] }])
  })

  it('a larger lateness puts no window out twice', async () => {
    await using deployments = await deploymentsOn(open)
    await send(await deployments.deploy(windowed({ lateness: 5_000 })), 1, 16)
    const run = await deployments.deploy(windowed({ lateness: 15_000 }))
    await send(run, 9, 40)
    expect(distinct(run.topic(spans)).map(({ of }) => of)).toEqual([[1], [16]])
    expect(distinct(run.topic(late))).toEqual([{ n: 9 }])
  })

  it('another maxAhead believes nothing that was refused, and refuses nothing that was believed', async () => {
    await using deployments = await deploymentsOn(open)
    await send(await deployments.deploy(windowed({ maxAhead: 3_600_000 })), 1, 7_200, 2)
    const more = await deployments.deploy(windowed({ maxAhead: 86_400_000 }))
    await send(more, 13, 7_300)
    const run = await deployments.deploy(windowed({ maxAhead: 60_000 }))
    await send(run, 3)
    expect(distinct(run.topic(spans)).map(({ of }) => of)).toEqual([[1, 2], [13]])
    expect(distinct(run.topic(late))).toEqual([{ n: 3 }])
  })

  it('any lateness after any other: each datum is judged once, by that of its time', { timeout: 120_000 }, async () => {
    const part = fc.record({
      latenessS: fc.integer({ min: 0, max: 20 }),
      steps: fc.array(fc.record({ step: fc.integer({ min: 0, max: 6 }), back: fc.integer({ min: 0, max: 20 }) }), { maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 2, maxLength: 5 }), async parts => {
        await using deployments = await deploymentsOn(open)
        const log: Dated[] = []
        const latenessMs: number[] = []
        let [seconds, run] = [100, await deployments.deploy(windowed({}))]
        for (const { latenessS, steps } of parts) {
          run = await deployments.deploy(windowed({ lateness: latenessS * 1_000 }))
          for (const { step, back } of steps) {
            seconds += step
            const n = log.length
            log.push({ n, key: 'k', createdMs: START_MS + (seconds - back) * 1_000 })
            latenessMs.push(latenessS * 1_000)
            await run.send(readings, { n }, { createdMs: log[n]!.createdMs })
          }
          await run.settled()
          await run.clock.advance('1m')
        }
        const expected = fixedWindows(log, 10_000, 10_000, latenessMs)
        expect(distinct(run.topic(spans))).toEqual(expected.closed.sort(byEnd).map(({ startMs, of }) => ({ startMs, of })))
        expect(
          distinct(run.topic(late))
            .map(({ n }) => n)
            .sort((a, b) => a - b),
        ).toEqual(expected.late)
      }),
      { numRuns: 25 },
    )
  })

  it('the pairs of a join are those that were found, and those that the new lateness finds', async () => {
    const left = topic('left', z.object({ n: z.number() }), { partitions: 1 })
    const right = topic('right', z.object({ n: z.number() }), { partitions: 1 })
    const pairs = topic('pairs', z.object({ of: z.array(z.number()) }), { partitions: 1 })
    const joined = (lateness: number) => {
      const from = join(left, right, { by: () => 'k', within: 10_000, lateness })
      return pipeline('p', { agents: [agent('joined', { version: 1, from, to: pairs }, pair => ({ of: [pair.left.n, pair.right.n] }))] })
    }
    const put = async (run: TestRun, to: typeof left, n: number) => {
      await run.send(to, { n }, { createdMs: START_MS + n * 1_000 })
      await run.settled()
      await run.clock.advance('1m')
    }
    await using deployments = await deploymentsOn(open)
    const before = await deployments.deploy(joined(60_000))
    await put(before, left, 1)
    for (const to of [left, right]) await put(before, to, 50)
    // The smaller lateness would have let 1 go before 2 came, had it been so from the beginning.
    const run = await deployments.deploy(joined(0))
    await put(run, right, 2)
    expect(distinct(run.topic(pairs)).map(({ of }) => of)).toEqual([
      [50, 50],
      [1, 2],
    ])
  })
})
