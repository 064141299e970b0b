import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { agent, join, pipeline, testPipeline, topic } from 'millrace'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import type { Handler } from '../../../src/agents/agent.ts'
import { OpenPairs } from '../../../src/agents/windows/open-pairs.ts'
import type { TestRun } from '../../../src/testing/test-run.ts'
import { type Dated, type Paired, pairs } from './reference.ts'
import { ENGINES, runOn } from './runs.ts'

const START_MS = Date.UTC(2026, 0, 1)
const impressions = topic('impressions', z.object({ user: z.string(), n: z.number() }), { partitions: 3 })
const clicks = topic('clicks', z.object({ user: z.string(), n: z.number(), x: z.number() }), { key: d => d.user, partitions: 2 })
const matches = topic('matches', z.object({ user: z.string(), shown: z.number(), clicked: z.number() }))
const lateClicks = topic('late-clicks', z.object({ user: z.string(), n: z.number() }))
const both = (options: { late?: typeof lateClicks; lateness?: '30m' } = {}) =>
  join(impressions, clicks, { by: d => d.user, within: '10m', ...options })
const told = ({ key, left, right }: { key: string; left: { n: number }; right: { n: number } }) => ({
  ...{ user: key, shown: left.n, clicked: right.n },
})
const matched = agent('matched', { version: 1, from: both(), to: matches }, told)

async function show(run: TestRun, n: number, minute: number, user = 'u') {
  const [receipt] = await run.send(impressions, { user, n }, { createdMs: START_MS + minute * 60_000 })
  await run.settled()
  return receipt!.dataId
}
async function click(run: TestRun, n: number, minute: number, user = 'u') {
  const [receipt] = await run.send(clicks, { user, n, x: 0 }, { createdMs: START_MS + minute * 60_000 })
  await run.settled()
  return receipt!.dataId
}

test('two of one key and about one time make a pair as soon as both are there, whichever came first', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [matched] }))
  await run.clock.advance('1d')
  await show(run, 1, 30)
  await show(run, 2, 20)
  await show(run, 3, 30, 'v')
  await click(run, 4, 31)
  expect(run.topic(matches).data).toEqual([{ user: 'u', shown: 1, clicked: 4 }])
  await click(run, 5, 40)
  await show(run, 6, 42)
  expect(
    run
      .topic(matches)
      .data.map(({ shown, clicked }) => [shown, clicked])
      .sort(),
  ).toEqual([
    [1, 4],
    [1, 5],
    [6, 5],
  ])
})

test('what the pipeline makes of it shows, and parents go all the way to both', async () => {
  const graph = pipeline('p', { agents: [matched] })
  expect([...graph.agents.keys()]).toEqual(['matched.sides@1', 'matched.pairs@1', 'matched@1'])
  await using run = await testPipeline(graph)
  await run.clock.advance('1d')
  const ids = [await show(run, 1, 30), await click(run, 2, 31)]
  const up = async (id: string): Promise<string[]> => {
    const parents = (await run.trace(id))!.parents
    return parents.length === 0 ? [id] : (await Promise.all(parents.map(up))).flat()
  }
  expect((await up(run.topic(matches).envelopes[0]!.dataId)).sort()).toEqual(ids.sort())
})

test('a datum that comes after what it could meet is let go is late: a dead letter, or in the topic that is named', async () => {
  const gathered = agent('gathered', { version: 1, from: both({ late: lateClicks }), to: matches }, told)
  await using run = await testPipeline(pipeline('p', { agents: [matched, gathered] }))
  await run.clock.advance('1d')
  await show(run, 1, 30)
  await click(run, 2, 32)
  await show(run, 3, 60)
  // One minute behind the topic that is behind: the watermark.
  await click(run, 4, 31)
  await click(run, 5, 30)
  expect(run.topic(lateClicks).data).toEqual([{ user: 'u', n: 5 }])
  expect(run.deadLetters).toMatchObject([{ agent: { name: 'matched.pairs' }, error: { code: 'WINDOW_CLOSED' } }])
})

test('a side that is silent holds back the watermark: a whole day of one topic may come before the other', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [matched] }))
  await run.clock.advance('1d')
  for (let hour = 0; hour < 24; hour++) await show(run, hour, hour * 60)
  for (let hour = 0; hour < 24; hour++) await click(run, 100 + hour, hour * 60 + 5)
  expect(
    run
      .topic(matches)
      .data.map(({ shown }) => shown)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 24 }, (_, i) => i))
  expect(run.deadLetters).toEqual([])
})

test('a datum from the future and one whose key cannot be had are dead letters', async () => {
  const picky = agent(
    'picky',
    {
      ...{ version: 1, to: matches },
      from: join(impressions, clicks, {
        by: d => {
          if (d.n === 1) throw new Error('no key')
          return d.user
        },
        within: '10m',
      }),
    },
    told,
  )
  await using run = await testPipeline(pipeline('p', { agents: [picky] }))
  await show(run, 1, 0)
  await show(run, 2, 120)
  expect(run.deadLetters.map(({ error }) => error.code).sort()).toEqual(['CREATED_AHEAD', 'DATUM_INVALID'])
})

test('a datum whose pairs cannot be put out is a dead letter after five attempts, and holds up nothing', async () => {
  const graph = pipeline('p', { agents: [matched] })
  const pairing = graph.agents.get('matched.pairs@1')
  const handler = pairing?.kind === 'agent' ? pairing.handler : undefined
  if (handler === undefined) throw new TypeError('It has a handler.')
  let calls = 0
  Object.assign(pairing!, {
    handler: ((datum, context) => {
      const outputs = handler(datum, context)
      if (outputs !== undefined && ++calls <= 5) throw new Error('no memory')
      return outputs
    }) satisfies Handler,
  })
  await using run = await testPipeline(graph)
  await run.clock.advance('1d')
  await show(run, 1, 30)
  await click(run, 2, 31)
  await click(run, 3, 32)
  await run.clock.advance('5m')
  expect(run.deadLetters).toMatchObject([{ agent: { name: 'matched.pairs' }, attempts: 5 }])
  expect(run.topic(matches).data).toEqual([{ user: 'u', shown: 1, clicked: 3 }])
})

describe('the pairs that are open', () => {
  const side = (which: 0 | 1, n: number, createdMs: number, text = String(n)) => ({
    ...{ key: 'k', side: which, id: String(n).padStart(16, '0'), createdMs, text },
  })

  it('let the oldest go where they take too much memory, and say so of all that could have met them', () => {
    const open = new OpenPairs(both())
    const large = 'x'.repeat(250_000)
    for (let n = 0; n < 200; n++) expect(open.take(side(0, n, START_MS + n, large)).refusal).toBeUndefined()
    // 32 MB are 127 of them: the first 73 are gone.
    expect(open.size).toBe(127)
    expect([open.lateBeforeMs(0), open.lateBeforeMs(1)]).toEqual([Number.NEGATIVE_INFINITY, START_MS + 72 + 600_000 + 1])
    expect(open.take(side(1, 1_000, START_MS + 600_072)).refusal).toMatchObject({ code: 'WINDOW_CLOSED' })
    expect(open.take(side(1, 1_001, START_MS + 600_073)).partners).toHaveLength(127)
  })

  it('let the one go that came first, of those that end together, also after a snapshot', () => {
    const [definition, large] = [both(), 'x'.repeat(250_000)]
    // Two users, of whom one is of each side, one after the other. A snapshot holds them by user.
    const next = (n: number) => ({ ...side(n % 2 === 0 ? 0 : 1, n, START_MS + Math.floor(n / 10) * 10_000, large), key: `user ${n % 2}` })
    const open = new OpenPairs(definition)
    for (let n = 0; n < 120; n++) open.take(next(n))
    const restored = OpenPairs.load(definition, deserialize(serialize(open.save())))
    for (let n = 120; n < 160; n++) {
      expect(restored.take(next(n))).toEqual(open.take(next(n)))
      expect([restored.lateBeforeMs(0), restored.lateBeforeMs(1)]).toEqual([open.lateBeforeMs(0), open.lateBeforeMs(1)])
      expect(
        restored
          .save()
          .held.map(({ id }) => id)
          .sort(),
      ).toEqual(
        open
          .save()
          .held.map(({ id }) => id)
          .sort(),
      )
    }
    // There is room for 127. With the first of each side gone, whatever could have met them is late.
    expect(open.save().held.map(({ id }) => Number(id))).toEqual(Array.from({ length: 127 }, (_, i) => 2 + i))
  })

  it('take a datum once, whatever came in between', () => {
    const open = new OpenPairs(both())
    open.take(side(0, 1, START_MS))
    open.take(side(0, 1, START_MS))
    expect([open.size, open.take(side(1, 2, START_MS)).partners.length]).toEqual([1, 1])
  })

  it('refuse a datum of which a pair could be too large, and one that would have too many', () => {
    const open = new OpenPairs(both())
    expect(open.take(side(0, 1, START_MS, 'x'.repeat(300_001))).refusal).toMatchObject({ code: 'WINDOW_FULL' })
    for (let n = 0; n < 1_000; n++) open.take(side(0, n, START_MS + n, 'x'.repeat(20_000)))
    expect(open.take(side(1, 2_000, START_MS, 'x'.repeat(20_000))).refusal).toMatchObject({ code: 'WINDOW_FULL' })
  })

  it('do not go on from what a join of another time has kept', () => {
    const kept = new OpenPairs(both()).save()
    const other = join(impressions, clicks, { by: d => d.user, within: '1h' })
    expect(() => OpenPairs.load(other, kept)).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }))
  })

  it('are the same from a snapshot, whenever it was taken', () => {
    const datum = fc.record({ which: fc.constantFrom(0 as const, 1 as const), minute: fc.integer({ min: 0, max: 60 }) })
    fc.assert(
      fc.property(fc.array(datum, { maxLength: 60 }), fc.array(fc.nat({ max: 60 }), { maxLength: 5 }), (data, cuts) => {
        const [whole, definition] = [new OpenPairs(both()), both()]
        let cut = new OpenPairs(definition)
        for (const [n, { which, minute }] of data.entries()) {
          if (cuts.includes(n)) cut = OpenPairs.load(definition, deserialize(serialize(cut.save())))
          const next = side(which, n, START_MS + minute * 60_000)
          expect(cut.take(next)).toEqual(whole.take(next))
        }
      }),
    )
  })
})

describe.each(ENGINES)('on %s', (_, open) => {
  const paired = agent('paired', { version: 1, from: both({ lateness: '30m' }), to: matches }, told)
  const graph = pipeline('p', { agents: [paired] })

  it('each pair is put out once, with crashes anywhere', { timeout: 120_000 }, async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      left: fc.boolean(),
      stepMs: fc.integer({ min: 0, max: 240_000 }),
      backMs: fc.integer({ min: 0, max: 900_000 }),
      crashes: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom('at once', 'settled')),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
        await using run = await runOn(open, graph)
        await run.clock.advance('12h')
        const [left, right]: [Dated[], Dated[]] = [[], []]
        let nowMs = START_MS
        for (const [n, { key, left: isLeft, stepMs, backMs, crashes }] of steps.entries()) {
          nowMs += stepMs
          const datum = { n, key, createdMs: nowMs - backMs }
          ;(isLeft ? left : right).push(datum)
          const options = { createdMs: datum.createdMs }
          if (isLeft) await run.send(impressions, { user: key, n }, options)
          else await run.send(clicks, { user: key, n, x: 0 }, options)
          if (crashes === 'settled') await run.settled()
          if (crashes !== undefined) await run.crash(paired)
        }
        // An agent whose units were cut off waits before it joins again.
        await run.clock.advance('1m')
        expect(distinct(run)).toEqual(pairs(left, right, 600_000).sort(compare))
        expect(run.deadLetters).toEqual([])
        expect(run.ledger().balanced).toBe(true)
      }),
      { numRuns: 15 },
    )
  })

  function distinct(run: TestRun): Paired[] {
    const { data, envelopes } = run.topic(matches)
    const byId = new Map(envelopes.map(({ dataId }, i) => [dataId, [data[i]!.shown, data[i]!.clicked] as const]))
    return [...byId.values()].sort(compare)
  }
})

function compare(a: Paired, b: Paired): number {
  return a[0] - b[0] || a[1] - b[1]
}
