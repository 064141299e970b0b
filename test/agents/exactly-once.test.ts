import fc from 'fast-check'
import { agent, cache, MillraceError, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Engine, UnitOfWork } from '../../src/engine/engine.ts'
import { sceneOf, turns } from './scene.ts'

/*
 * The promise: whatever crashes, is refused or throws, each datum takes effect exactly once in every agent, or is in its dead letters.
 * Random sequences of sends, crashes, refused and doubtful commits and failing handlers; then all that was sent is compared with all
 * that took effect, windows and states with a plain computation. A failing run prints its seed.
 */
const PARTITIONS = 3
const KEYS = ['a', 'b', 'c', 'd']
const reading = topic('reading', z.object({ key: z.string(), n: z.number() }), { key: d => d.key, partitions: PARTITIONS })
const windowed = topic('windowed', z.object({ key: z.string(), n: z.number(), window: z.array(z.number()) }), {
  key: d => d.key,
  partitions: 2,
})
const spread = topic('spread', z.object({ n: z.number(), part: z.number(), window: z.array(z.number()) }), { partitions: 2 })
const effect = topic('effect', z.object({ n: z.number() }), { partitions: 2 })
const sums = cache('sums', z.object({ key: z.string(), sum: z.number(), count: z.number() }), { key: v => v.key })

type Action =
  | { readonly kind: 'send'; readonly keys: readonly string[] }
  | { readonly kind: 'crash'; readonly agent: number; readonly afterTurns: number }
  | { readonly kind: 'commits fail'; readonly how: 'refused' | 'full' | 'doubtful, happened' | 'doubtful, did not'; readonly times: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'replay' }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('send' as const), keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), agent: fc.nat(4), afterTurns: fc.nat(8) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('commits fail' as const),
      how: fc.constantFrom('refused' as const, 'full' as const, 'doubtful, happened' as const, 'doubtful, did not' as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 50, 500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay' as const) }) },
)

/** Fails by the datum and the attempt alone: some never, some once or twice, some for good. */
const failing = (n: number, attempt: number) => (n % 7 === 3 && attempt < 3) || n % 11 === 5

function declare() {
  const retry = { attempts: 3, backoff: '20ms', maxBackoff: '100ms' } as const
  const window = agent('window', { version: 1, from: reading, to: windowed, by: d => d.key, window: 3, retry }, (d, c) => {
    if (d.n % 13 === 4 && c.attempt === 1) throw new Error('once')
    return { key: d.key, n: d.n, window: c.window.map(other => other.n) }
  })
  const sum = agent(
    'sum',
    {
      version: 1,
      from: reading,
      to: sums,
      by: d => d.key,
      state: { init: () => ({ sum: 0, count: 0 }), update: (s, d) => ({ sum: s.sum + d.n, count: s.count + 1 }) },
    },
    (d, { state }) => ({ key: d.key, ...state }),
  )
  const fan = agent(
    'fan',
    { version: 1, from: reading, to: spread, ordered: false, concurrency: 3, by: d => d.key, window: 3, retry },
    async (d, { attempt, window }) => {
      if (d.n % 2 === 0) await new Promise(setImmediate)
      if (failing(d.n, attempt)) throw new Error('no luck')
      const output = { n: d.n, window: window.map(other => other.n) }
      return [
        { ...output, part: 0 },
        { ...output, part: 1 },
      ]
    },
  )
  const down = agent('down', { version: 1, from: spread, to: effect, retry }, (d, { attempt }) => {
    if (d.part === 1) return
    if (d.n % 5 === 0 && attempt === 1) throw new Error('once')
    return { n: d.n }
  })
  const ordered = agent('ordered', { version: 1, from: reading, by: d => d.key, concurrency: 2, retry }, async (d, { attempt }) => {
    if (d.n % 3 === 0) await new Promise(setImmediate)
    if (failing(d.n, attempt)) throw new Error('no luck')
  })
  return { agents: [window, sum, fan, down, ordered] as const }
}

/** Commits that fail as told, a few times. */
function faults() {
  let how: Extract<Action, { kind: 'commits fail' }>['how'] = 'refused'
  let times = 0
  return {
    fail(next: typeof how, count: number) {
      how = next
      times = count
    },
    commit: (engine: Engine) => async (unit: UnitOfWork) => {
      if (times === 0) return engine.commit(unit)
      times--
      if (how === 'refused') throw new MillraceError('LEASE_LOST', 'Refused.')
      if (how === 'full') throw new MillraceError('DISK_FULL', 'Full.')
      if (how === 'doubtful, happened') await engine.commit(unit)
      throw new MillraceError('APPEND_UNKNOWN', 'In doubt.')
    },
  }
}

const byNumber = (a: number, b: number) => a - b

test('whatever fails, each datum takes effect exactly once or is in the dead letters', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40 }), async actions => {
      const { agents } = declare()
      const fault = faults()
      await using run = await sceneOf(pipeline('p', { agents: [...agents] }), engine => ({ commit: fault.commit(engine) }))
      const sent: { key: string; n: number }[] = []
      for (const step of actions) {
        if (step.kind === 'send') {
          const data = step.keys.map((key, i) => ({ key, n: sent.length + i }))
          sent.push(...data)
          await run.send(reading, data)
        } else if (step.kind === 'crash') {
          await turns(step.afterTurns)
          await run.crash(agents[step.agent]!)
        } else if (step.kind === 'commits fail') fault.fail(step.how, step.times)
        else if (step.kind === 'advance') await run.clock.advance(step.ms)
        else await run.replay()
      }
      await run.clock.advance('1h')
      await run.settled()

      const dead = (name: string) => run.deadLetters.filter(letter => letter.agent.name === name && letter.state === 'dead')
      const numberOf = new Map(run.topic(reading).envelopes.map((envelope, i) => [envelope.dataId, run.topic(reading).data[i]!.n]))
      const deadNumbers = (name: string) => dead(name).map(letter => numberOf.get(letter.dataId)!)
      const all = sent.map(d => d.n)
      const hopeless = all.filter(n => n % 11 === 5)

      // window and down: once each, windows as computed plainly.
      const expected = sent.map((d, i) => ({
        ...d,
        window: sent
          .slice(0, i + 1)
          .filter(other => other.key === d.key)
          .slice(-3)
          .map(other => other.n),
      }))
      expect(run.topic(windowed).data.toSorted((a, b) => a.n - b.n)).toEqual(expected)
      for (const key of KEYS) {
        // One key, in the order in which it was sent.
        const numbers = run
          .topic(windowed)
          .data.filter(d => d.key === key)
          .map(d => d.n)
        expect(numbers).toEqual(numbers.toSorted(byNumber))
      }
      const windowOf = new Map(expected.map(d => [d.n, d.window]))
      // A letter that was put again saw its key as it was by then.
      const replayed = new Set(run.deadLetters.filter(letter => letter.replays > 0).map(letter => numberOf.get(letter.dataId)))
      for (const d of run.topic(spread).data) if (!replayed.has(d.n)) expect([d.n, d.window]).toEqual([d.n, windowOf.get(d.n)])
      // fan: both of its outputs or neither; what has none is dead.
      const lucky = all.filter(n => n % 11 !== 5)
      expect(
        run
          .topic(spread)
          .data.filter(d => d.part === 0)
          .map(d => d.n)
          .sort(byNumber),
      ).toEqual(lucky)
      expect(
        run
          .topic(spread)
          .data.filter(d => d.part === 1)
          .map(d => d.n)
          .sort(byNumber),
      ).toEqual(lucky)
      expect(deadNumbers('fan').sort(byNumber)).toEqual(hopeless)
      expect(deadNumbers('ordered').sort(byNumber)).toEqual(hopeless)
      expect(
        run
          .topic(effect)
          .data.map(d => d.n)
          .sort(byNumber),
      ).toEqual(lucky)
      // sum: the cache is the fold.
      const folded = new Map<string, { key: string; sum: number; count: number }>()
      for (const d of sent) {
        const known = folded.get(d.key) ?? { key: d.key, sum: 0, count: 0 }
        folded.set(d.key, { key: d.key, sum: known.sum + d.n, count: known.count + 1 })
      }
      expect(run.cache(sums)).toEqual(folded)
      // The ledger: everything is finished, and every count is right.
      expect(run.ledger().balanced).toBe(true)
      const rows = (name: string) => run.ledger().rows.filter(row => row.name === name && !row.topic.startsWith('_'))
      const total = (name: string, count: 'done' | 'dead' | 'duplicate' | 'lost' | 'behind') =>
        rows(name).reduce((sum, row) => sum + row[count], 0)
      for (const name of ['window', 'sum', 'fan', 'ordered']) {
        expect([name, total(name, 'behind'), total(name, 'duplicate'), total(name, 'lost')]).toEqual([name, 0, 0, 0])
        expect(total(name, 'done') + total(name, 'dead')).toBe(sent.length)
      }
      expect([total('fan', 'dead'), total('ordered', 'dead')]).toEqual([hopeless.length, hopeless.length])
      // Ids: no output twice.
      for (const of of [windowed, spread, effect]) {
        const ids = run.topic(of).envelopes.map(envelope => envelope.dataId)
        expect(new Set(ids).size).toBe(ids.length)
      }
    }),
    { numRuns: Number(process.env.MILLRACE_RUNS ?? 40), endOnFailure: true },
  )
})
