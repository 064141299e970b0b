import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { attached } from '../../../src/agents/remote/attached.ts'
import type { OpenRemote, WorkDesk } from '../../../src/agents/remote.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { handOver } from '../../../src/testing/hand-over.ts'
import { remoteSuite } from '../../../src/testing/remote-suite.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { attachedProgram } from './attached-program.ts'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))
const TIMEOUT_MS = 1_000

remoteSuite({ describe, it }, 'a worker that attaches over HTTP', () => attachedProgram([process.execPath, WORKER]))

interface Scene {
  readonly clock: VirtualClock
  readonly remote: OpenRemote
  readonly desk: WorkDesk
  readonly held: (string | undefined)[]
  /** What became of each datum, by its number, as soon as it is known. */
  readonly outcomes: Map<number, string>
  hand(n: number, lease?: Lease): void
  claim(most?: number, waitMs?: number, gone?: AbortSignal): Promise<Claimed | undefined>
  commit(claim: Claimed | undefined, results: readonly object[], more?: object): Promise<string>
}

interface Claimed {
  readonly claim: string
  readonly timeout_ms: number
  readonly data: readonly { readonly n: number; readonly data: { readonly of: number } }[]
}

/** Whose data are handled: over, nobody waits for them. */
interface Lease {
  isOver: boolean
}

function scene(): Scene {
  const clock = new VirtualClock()
  const held: (string | undefined)[] = []
  const outcomes = new Map<number, string>()
  let desk: WorkDesk | undefined
  const facts = { name: 'mood', version: 2, to: [], addressed: false, timeoutMs: TIMEOUT_MS, clock }
  const remote = attached().open(facts, {
    held: error => held.push(error?.message),
    log: () => undefined,
    attach: opened => {
      desk = opened
    },
  })
  return {
    clock,
    remote,
    desk: desk!,
    held,
    outcomes,
    hand(n, lease = { isOver: false }) {
      handOver(remote, { of: n }, { isAborted: () => lease.isOver }).then(
        outputs => outcomes.set(n, JSON.stringify(outputs)),
        error => outcomes.set(n, isMillraceError(error) ? error.code : String(error)),
      )
    },
    async claim(most = 100, waitMs = 0, gone = new AbortController().signal) {
      const work = await desk!.claim(most, waitMs, gone)
      return work && JSON.parse(Buffer.from(work.json).toString())
    },
    commit: (claim, results, more = {}) => desk!.commit(Buffer.from(JSON.stringify({ claim: claim?.claim, results, ...more }))),
  }
}

const given = (claim: Claimed | undefined) => claim?.data.map(({ data }) => data.of)
const done = (n: number, output: unknown = n) => ({ n, outputs: [output] })
const refused = (of: Promise<unknown>) =>
  of.then(
    () => 'taken',
    error => (isMillraceError(error) ? error.code : String(error)),
  )

describe('a claim', () => {
  it('has at most as many data as were asked for, in their order, and says how long it holds', async () => {
    const { hand, claim } = scene()
    for (let n = 0; n < 5; n++) hand(n)
    const first = await claim(3)
    expect(first).toMatchObject({ timeout_ms: TIMEOUT_MS, data: [{ n: 0 }, { n: 1 }, { n: 2 }] })
    expect(given(first)).toEqual([0, 1, 2])
    const second = await claim()
    expect(given(second)).toEqual([3, 4])
    expect(second?.claim).not.toBe(first?.claim)
    expect(await claim()).toBeUndefined()
  })

  it('waits for data, gets all of one turn at once, and nothing when its time is over', async () => {
    const { clock, hand, claim, commit } = scene()
    const waiting = claim(100, 5_000)
    for (let n = 0; n < 3; n++) hand(n)
    const batch = await waiting
    expect(given(batch)).toEqual([0, 1, 2])
    await commit(batch, [done(0), done(1), done(2)])
    const other = claim(100, 5_000)
    await clock.advance('5s')
    expect(await other).toBeUndefined()
  })

  it('has its worker’s share where others wait or have worked beside it of late, and all of the rest where they have theirs', async () => {
    const { hand, claim, commit } = scene()
    const [one, other] = [claim(100, 5_000), claim(100, 5_000)]
    for (let n = 0; n < 5; n++) hand(n)
    expect([given(await one), given(await other)]).toEqual([
      [0, 1, 2],
      [3, 4],
    ])
    await commit(await one, [done(0), done(1), done(2)])
    for (let n = 5; n < 9; n++) hand(n)
    // The other has its claim still.
    const next = await claim()
    expect(given(next)).toEqual([5, 6, 7, 8])
    await commit(next, [done(0), done(1), done(2), done(3)])
    await commit(await other, [done(0), done(1)])
    for (let n = 9; n < 13; n++) hand(n)
    // Both are about to ask.
    expect([given(await claim()), given(await claim())]).toEqual([
      [9, 10],
      [11, 12],
    ])
  })

  it('has all there is once the others have not asked for a while', async () => {
    const { clock, hand, claim, commit } = scene()
    const [one, other] = [claim(100, 5_000), claim(100, 5_000)]
    for (let n = 0; n < 2; n++) hand(n)
    for (const claimed of [await one, await other]) await commit(claimed, [done(0)])
    const claims: (readonly number[] | undefined)[] = []
    for (let n = 2; n < 8; n += 2) {
      hand(n)
      hand(n + 1)
      for (let claimed = await claim(); claimed !== undefined; claimed = await claim()) {
        claims.push(given(claimed))
        await commit(
          claimed,
          claimed.data.map(datum => done(datum.n)),
        )
      }
      await clock.advance('11s')
    }
    // For ten to twenty seconds the other may be about to ask.
    expect(claims).toEqual([[2], [3], [4], [5], [6, 7]])
  })

  it('of somebody who has gone is given nothing, and what did not reach its worker is given to the next', async () => {
    const { desk, hand, claim } = scene()
    const gone = new AbortController()
    const left = claim(100, 5_000, gone.signal)
    gone.abort()
    hand(1)
    hand(2)
    expect(await left).toBeUndefined()
    const lost = await claim(1)
    desk.release(lost!.claim)
    expect(given(await claim())).toEqual([1, 2])
  })

  it('leaves out what nobody waits for any more', async () => {
    const { remote, hand, claim } = scene()
    const lease = { isOver: false }
    hand(1, lease)
    hand(2)
    lease.isOver = true
    expect(given(await claim())).toEqual([2])
    remote.cancel()
    expect(await claim()).toBeUndefined()
  })
})

describe('a commit', () => {
  it('may have a part of the results, in any order, and be sent again without an effect', async () => {
    const { hand, claim, commit, outcomes } = scene()
    for (let n = 0; n < 3; n++) hand(n)
    const batch = await claim()
    expect(await commit(batch, [done(2), done(0)])).toBe('{"left":1}')
    expect(await commit(batch, [done(2, 'again'), done(0, 'again')])).toBe('{"left":1}')
    expect(await commit(batch, [{ n: 1, error: { name: 'ValueError', message: 'no such word' } }])).toBe('{"left":0}')
    // The reply was lost: the worker cannot know that all of it counts already.
    expect(await commit(batch, [done(1, 'again')])).toBe('{"left":0}')
    expect(Object.fromEntries(outcomes)).toEqual({ 0: '[0]', 1: 'ValueError: no such word', 2: '[2]' })
  })

  it.each([
    ['a claim that never was', (_: Claimed) => ({ claim: 'AAAA', results: [] }), 'LEASE_LOST'],
    ['a datum that the claim has not', ({ claim }: Claimed) => ({ claim, results: [done(0), done(3)] }), 'BODY_MALFORMED'],
    ['a datum by half', ({ claim }: Claimed) => ({ claim, results: [done(0), done(0.5)] }), 'BODY_MALFORMED'],
    ['results without a list', ({ claim }: Claimed) => ({ claim, results: { n: 0 } }), 'BODY_MALFORMED'],
    ['no claim', () => ({ results: [done(0)] }), 'BODY_MALFORMED'],
    ['no object', () => [done(0)], 'BODY_MALFORMED'],
  ] as const)('of %s is refused, and nothing of it counts', async (_, body, code) => {
    const { desk, hand, claim, commit, outcomes } = scene()
    for (let n = 0; n < 3; n++) hand(n)
    const batch = await claim()
    expect(await refused(desk.commit(Buffer.from(JSON.stringify(body(batch!)))))).toBe(code)
    expect(outcomes.size).toBe(0)
    expect(await commit(batch, [done(0), done(1), done(2)])).toBe('{"left":0}')
  })

  it('of bytes that are not UTF-8 is refused: they would become other outputs', async () => {
    const { desk, hand, claim } = scene()
    hand(0)
    const batch = await claim()
    const body = Buffer.from(`{"claim":"${batch?.claim}","results":[{"n":0,"outputs":["\xff"]}]}`, 'latin1')
    expect(await refused(desk.commit(body))).toBe('BODY_MALFORMED')
  })

  it('gives back what it has not answered, which is given out at once and blamed for nothing', async () => {
    const { hand, claim, commit } = scene()
    for (let n = 0; n < 3; n++) hand(n)
    const batch = await claim()
    expect(await commit(batch, [done(1)], { release: true })).toBe('{"left":0}')
    expect(given(await claim())).toEqual([0, 2])
    expect(await refused(commit(batch, [done(0)]))).toBe('taken')
  })
})

describe('a claim that is not answered', () => {
  it('is lost after the timeout, which each answer puts off: a late commit is refused, and changes nothing', async () => {
    const { clock, hand, claim, commit, outcomes } = scene()
    for (let n = 0; n < 3; n++) hand(n)
    const batch = await claim()
    await clock.advance('900ms')
    await commit(batch, [done(0)])
    await clock.advance('900ms')
    // Nothing new: it puts nothing off.
    await commit(batch, [done(0)])
    await clock.advance('200ms')
    expect(await refused(commit(batch, [done(1), done(2)]))).toBe('LEASE_LOST')
    expect([...outcomes.keys()]).toEqual([0])
  })

  it('is given out again one by one: the datum that was alone fails, its neighbours are done once', async () => {
    const { clock, hand, claim, commit, outcomes } = scene()
    for (let n = 0; n < 3; n++) hand(n)
    await claim()
    hand(3)
    await clock.advance('1s')
    const alone = [await claim(), await claim(), await claim()]
    expect(alone.map(given)).toEqual([[0], [1], [2]])
    expect(given(await claim())).toEqual([3])
    await commit(alone[0], [done(0)])
    await commit(alone[2], [done(0)])
    await clock.advance('1s')
    expect(Object.fromEntries(outcomes)).toEqual({ 0: '[0]', 1: 'HANDLER_TIMEOUT', 2: '[0]', 3: 'HANDLER_TIMEOUT' })
  })

  it('stays under suspicion when its worker gives it back', async () => {
    const { clock, hand, claim, commit } = scene()
    for (let n = 0; n < 2; n++) hand(n)
    await claim()
    await clock.advance('1s')
    await commit(await claim(), [], { release: true })
    expect([given(await claim()), given(await claim())]).toEqual([[0], [1]])
  })

  it('is lost with its lease: what is committed afterwards counts for nothing', async () => {
    const { remote, hand, claim, commit, outcomes } = scene()
    const lease = { isOver: false }
    hand(0, lease)
    hand(1, lease)
    const [first, second] = [await claim(1), await claim(1)]
    lease.isOver = true
    expect(await refused(commit(first, [done(0)]))).toBe('LEASE_LOST')
    remote.cancel()
    expect(await refused(commit(second, [done(0)]))).toBe('LEASE_LOST')
    hand(2)
    expect(given(await claim())).toEqual([2])
    expect(outcomes.size).toBe(0)
  })
})

describe('whether a worker is attached', () => {
  it('is told when nobody has come for a while, and when somebody has', async () => {
    const { clock, held, claim } = scene()
    await clock.advance('14s')
    expect(held).toEqual([])
    await clock.advance('1s')
    expect(held).toEqual([expect.stringContaining('No worker is attached to mood@2.')])
    await claim()
    expect(held).toHaveLength(2)
    expect(held[1]).toBeUndefined()
    await clock.advance('15s')
    expect(held).toHaveLength(3)
  })

  it('holds as long as one waits or works, and ends with a claim that is lost', async () => {
    const { clock, held, hand, claim, commit } = scene()
    const waiting = claim(1, 30_000)
    await clock.advance('29s')
    hand(0)
    const batch = await waiting
    await clock.advance('900ms')
    await commit(batch, [done(0)])
    await clock.advance('14s')
    expect(held).toEqual([])
    hand(1)
    await claim()
    await clock.advance('15s')
    expect(held).toHaveLength(1)
  })
})

it('a desk that stops sends away who waits, and takes nobody on', async () => {
  const { remote, claim } = scene()
  const waiting = claim(1, 30_000)
  await remote.stop(0)
  expect(await waiting).toBeUndefined()
  expect(await refused(claim(1))).toBe('AGENT_AWAY')
})
