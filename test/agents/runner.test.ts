import { agent, bytes, MillraceError, pipeline, testPipeline, topic } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Progress } from '../../src/agents/progress.ts'
import { runAgent } from '../../src/agents/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine, UnitOfWork } from '../../src/engine/engine.ts'
import { silentRecorder, type WorkFact } from '../../src/instrumentation/recorder.ts'
import { send } from '../../src/testing/send.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { intercepted, turns } from './scene.ts'

const job = topic('job', z.object({ n: z.number() }), { partitions: 1, retention: '1h' })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const jobs = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => ({ n: first + i }))
const copy = agent('copy', { version: 1, from: job, to: result }, d => d)

let engine: Engine
beforeEach(async () => {
  engine = await openInMemory()
  await engine.ensure([job.spec, result.spec])
})
afterEach(() => engine.close())

const context = (own: Partial<Engine> = {}) => ({ engine: intercepted(engine, own), clock: systemClock, recorder: silentRecorder })
const resultCount = async () => (await engine.bounds('result'))[0]!.next
const committed = async (group: string) => (await engine.standings()).find(at => at.group === group && at.topic === 'job')?.checkpoint

test('stop lets what is in hand be committed, and gives the partitions back', async () => {
  const { promise: gate, resolve } = Promise.withResolvers<void>()
  const slow = agent('slow', { version: 1, from: job, to: result }, async d => {
    await gate
    return d
  })
  const running = runAgent(slow, context())
  await send(engine, job, jobs(0, 3), 0)
  await expect.poll(() => running.running).toBe(1)
  const stopped = running.stop(5_000)
  resolve()
  await stopped
  await running.ended
  // The one in hand is finished; the others were not begun.
  expect([await resultCount(), (await committed('slow@1'))!.offset]).toEqual([1, 1])
  const again = runAgent(slow, context())
  await expect.poll(resultCount).toBe(3)
  await again.stop(5_000)
})

test('stop waits no longer than its grace, and what is not finished by then is done again', async () => {
  const reasons: unknown[] = []
  const hangs = agent('hangs', { version: 1, from: job, to: result }, (_, { signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    return new Promise<undefined>(() => {})
  })
  const running = runAgent(hangs, context())
  await send(engine, job, jobs(0, 1), 0)
  await expect.poll(() => running.running).toBe(1)
  await running.stop(10)
  expect(reasons).toHaveLength(1)
  expect((await committed('hangs@1'))!.offset).toBe(0)
})

test('stop before the first lease, and stop or crash twice, are fine', async () => {
  const running = runAgent(copy, context())
  await running.stop(1_000)
  await running.stop(1_000)
  await running.crash()
  await expect(running.ended).resolves.toBeUndefined()
})

test('a commit that the stream refuses ends the lease: nothing is lost and nothing happens twice', async () => {
  let refused = 0
  const running = runAgent(
    copy,
    context({
      commit: async unit => {
        if (unit.checkpoints[0]!.topic === 'job' && refused++ === 1) throw new MillraceError('LEASE_LOST', 'Another has it.')
        return engine.commit(unit)
      },
    }),
  )
  for (let n = 0; n < 10; n++) {
    await send(engine, job, jobs(n * 10, n * 10 + 10), 0)
    await turns(3)
  }
  await expect.poll(resultCount).toBe(100)
  expect(await committed('copy@1')).toMatchObject({ offset: 100, done: 100, dead: 0, duplicate: 0, lost: 0 })
  await running.stop(1_000)
})

test('a commit of which nobody knows whether it happened is found out, not guessed', async () => {
  for (const happened of [true, false]) {
    let failed = false
    const running = runAgent(
      copy,
      context({
        commit: async unit => {
          const fail = !failed && unit.outputs.length > 0
          if (!fail || happened) await engine.commit(unit)
          if (!fail) return
          failed = true
          throw new MillraceError('APPEND_UNKNOWN', 'The disk did not say.')
        },
      }),
    )
    const before = await resultCount()
    await send(engine, job, jobs(0, 50), 0)
    await expect.poll(async () => (await committed('copy@1'))?.offset).toBe(before + 50)
    expect([failed, await resultCount()]).toEqual([true, before + 50])
    await running.stop(1_000)
  }
})

test('while the disk is full units wait and are committed when there is room', async () => {
  let full = true
  const facts: WorkFact[] = []
  const running = runAgent(copy, {
    ...context({ commit: async unit => (full ? Promise.reject(new MillraceError('DISK_FULL', 'full')) : engine.commit(unit)) }),
    recorder: { ...silentRecorder, work: fact => facts.push(fact) },
  })
  await send(engine, job, jobs(0, 20), 0)
  await expect.poll(() => running.waiting).toBe(1)
  expect(facts).toEqual([])
  full = false
  await expect.poll(resultCount).toBe(20)
  await running.stop(1_000)
  expect(facts.reduce((sum, fact) => sum + fact.done, 0)).toBe(20)
})

test('a handler that computes leaves the event loop its turns: it hears of a stop, and what it has done is committed', async () => {
  let handled = 0
  const computes = agent('computes', { version: 1, from: job, to: result }, d => {
    handled++
    for (const end = performance.now() + 5; performance.now() < end; );
    return d
  })
  await send(engine, job, jobs(0, 500), 0)
  const running = runAgent(computes, context())
  await expect.poll(() => handled).toBeGreaterThan(0)
  await running.stop(60_000)
  expect(handled).toBeLessThan(500)
  expect((await committed('computes@1'))!.offset).toBe(handled)
})

test('its busy time is that of the clock, however many data are in hand at once', async () => {
  const facts: WorkFact[] = []
  await send(engine, job, jobs(0, 200), Date.now())
  const waits = agent('waits', { version: 1, from: job, to: result, concurrency: 50 }, async d => {
    await new Promise(resolve => setTimeout(resolve, 20))
    return d
  })
  const began = Date.now()
  const running = runAgent(waits, { ...context(), recorder: { ...silentRecorder, work: fact => facts.push(fact) } })
  await expect.poll(resultCount).toBe(200)
  await running.stop(1_000)
  const total = (of: 'busyMs' | 'handlerMs') => facts.reduce((sum, fact) => sum + fact[of], 0)
  for (const ms of [total('busyMs'), total('handlerMs')]) {
    expect(ms).toBeGreaterThanOrEqual(79)
    expect(ms).toBeLessThanOrEqual(Date.now() - began)
  }
})

test('what ends the engine ends the agent, with the reason', async () => {
  const running = runAgent(copy, context({ claim: () => Promise.reject(new MillraceError('LOG_CORRUPT', 'job/0 at 3')) }))
  await send(engine, job, jobs(0, 1), 0)
  await expect(running.ended).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
})

test('what it did is recorded once a unit, not once a datum', async () => {
  const facts: WorkFact[] = []
  await send(engine, job, jobs(0, 1_000), Date.now())
  const running = runAgent(copy, { ...context(), recorder: { ...silentRecorder, work: fact => facts.push(fact) } })
  await expect.poll(resultCount).toBe(1_000)
  await running.stop(1_000)
  // One where the machine has time; a unit is cut when it takes long.
  expect(facts.length).toBeLessThan(50)
  expect(facts[0]).toMatchObject({ agent: 'copy', version: 1, topic: 'job', partition: 0, dead: 0, retries: 0 })
  for (const count of ['done', 'outputs'] as const) expect(facts.reduce((sum, fact) => sum + fact[count], 0)).toBe(1_000)
})

test('data that expired are counted as lost at once, where nothing was left and nothing comes after them', async () => {
  const clock = new VirtualClock()
  const aging = await openInMemory({ clock: clock.background })
  await aging.ensure([job.spec, result.spec])
  const place = async () => (await aging.standings()).find(standing => standing.topic === 'job')!
  await send(aging, job, jobs(0, 2), clock.now())
  const first = runAgent(copy, { engine: aging, clock, recorder: silentRecorder })
  await expect.poll(async () => (await aging.bounds('result'))[0]!.next).toBe(2)
  await first.stop(1_000)
  await send(aging, job, jobs(2, 7), clock.now())
  await clock.advance('2h')
  await expect.poll(async () => (await aging.bounds('job'))[0]).toEqual({ first: 7, next: 7 })
  const second = runAgent(copy, { engine: aging, clock, recorder: silentRecorder })
  await expect.poll(async () => (await place()).checkpoint).toMatchObject({ offset: 7, first: 0, done: 2, lost: 5 })
  await send(aging, job, jobs(7, 8), clock.now())
  await expect.poll(async () => (await place()).checkpoint).toMatchObject({ offset: 8, first: 0, done: 3, lost: 5 })
  await second.stop(1_000)
  await aging.close()
})

test('data that expired before they were read are counted as lost, and the ledger balances', async () => {
  const clock = new VirtualClock()
  const aging = await openInMemory({ clock: clock.background })
  await aging.ensure([job.spec, result.spec])
  const facts: WorkFact[] = []
  const at = { engine: aging, clock, recorder: { ...silentRecorder, work: (fact: WorkFact) => facts.push(fact) } }
  const place = async () => (await aging.standings()).find(standing => standing.topic === 'job')!
  await send(aging, job, jobs(0, 2), clock.now())
  const first = runAgent(copy, at)
  await expect.poll(async () => (await aging.bounds('result'))[0]!.next).toBe(2)
  await first.stop(1_000)
  await send(aging, job, jobs(2, 7), clock.now())
  await clock.advance('2h')
  await send(aging, job, jobs(7, 8), clock.now())
  await clock.advance('1m')
  await expect.poll(async () => (await place()).first).toBe(7)
  const second = runAgent(copy, at)
  await expect.poll(async () => (await aging.bounds('result'))[0]!.next).toBe(3)
  await second.stop(1_000)
  expect((await place()).checkpoint).toMatchObject({ offset: 8, first: 0, done: 3, lost: 5 })
  expect(facts.map(fact => fact.lost)).toEqual([0, 5])
  await aging.close()
})

test('two versions run side by side, each with its own place and its own ids', async () => {
  const second = agent('copy', { version: 2, from: job, to: result }, d => ({ n: d.n + 100 }))
  await using run = await testPipeline(pipeline('p', { agents: [copy, second] }))
  await run.send(job, jobs(0, 3))
  await run.settled()
  expect(
    run
      .topic(result)
      .data.map(d => d.n)
      .sort((a, b) => a - b),
  ).toEqual([0, 1, 2, 100, 101, 102])
  expect(new Set(run.topic(result).envelopes.map(envelope => envelope.dataId)).size).toBe(6)
  expect(new Set(run.topic(result).envelopes.map(envelope => envelope.source))).toEqual(new Set(['copy@1', 'copy@2']))
})

test('a version that replaces another goes on at its place, with its edition', async () => {
  const first = runAgent(copy, context())
  await send(engine, job, jobs(0, 5), 0)
  await expect.poll(resultCount).toBe(5)
  await first.stop(1_000)
  await send(engine, job, jobs(5, 8), 0)
  const handled: number[] = []
  const second = agent('copy', { version: 2, from: job, to: result, replaces: 1 }, d => {
    handled.push(d.n)
    return d
  })
  const running = runAgent(second, context())
  await expect.poll(resultCount).toBe(8)
  await running.stop(1_000)
  expect(handled).toEqual([5, 6, 7])
  expect(await committed('copy@2')).toMatchObject({ offset: 8, done: 8, edition: 1 })
})

test('a run that is done again gives its outputs the same ids', async () => {
  const ids: Buffer[] = []
  let refuse = true
  const running = runAgent(
    copy,
    context({
      commit: async unit => {
        for (const output of unit.outputs) ids.push(Buffer.from(output.frames).subarray(20, 36))
        if (refuse && unit.outputs.length > 0) {
          refuse = false
          throw new MillraceError('LEASE_LOST', 'Not yours.')
        }
        return engine.commit(unit)
      },
    }),
  )
  await send(engine, job, jobs(0, 1), 0)
  await expect.poll(resultCount).toBe(1)
  await running.stop(1_000)
  expect(ids).toHaveLength(2)
  expect(ids[0]).toEqual(ids[1])
})

test('a unit is bounded by its bytes, too: large outputs make more and smaller commits', async () => {
  const sizes: number[] = []
  const large = topic('large', bytes(), { partitions: 1 })
  const blow = agent('blow', { version: 1, from: job, to: large }, () => Buffer.alloc(1024 * 1024))
  await send(engine, job, jobs(0, 20), 0)
  const commit = (unit: UnitOfWork) => {
    sizes.push(unit.outputs.reduce((sum, batch) => sum + batch.frames.byteLength, 0))
    return engine.commit(unit)
  }
  const running = runAgent(blow, context({ commit }))
  await expect.poll(async () => (await committed('blow@1'))?.offset).toBe(20)
  await running.stop(1_000)
  // More where the machine is so slow that they are committed by their age.
  expect(sizes.length).toBeGreaterThanOrEqual(5)
  expect(Math.max(...sizes)).toBeLessThan(5 * 1024 * 1024)
})

test('what is let go of with its lease is no longer in hand: a watchdog must not take it for one that spins', async () => {
  const progress = new Progress()
  const hangs = agent('hangs', { version: 1, from: job, to: result, concurrency: 5 }, () => new Promise<undefined>(() => {}))
  await send(engine, job, jobs(0, 5), 0)
  const running = runAgent(hangs, context(), { progress })
  await expect.poll(() => progress.inHand().length).toBe(5)
  expect(progress.inHand()[0]).toMatchObject({ topic: 0, partition: 0, attempt: 1, current: false })
  await running.crash()
  expect(progress.inHand()).toEqual([])
})
