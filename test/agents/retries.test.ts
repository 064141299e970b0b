import { agent, MillraceError, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../src/agents/runner.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { send } from '../../src/testing/send.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { sceneOf } from './scene.ts'

const job = topic('job', z.object({ n: z.number() }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const jobs = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))
const numbers = (data: readonly { readonly n: number }[]) => data.map(datum => datum.n)

test('an ordered agent holds back what follows a failing datum, and what is done before it is committed meanwhile', async () => {
  let broken = true
  const ordered = agent('ordered', { version: 1, from: job, to: result, ordered: true, retry: { backoff: '10s' } }, d => {
    if (d.n === 2 && broken) throw new Error('broken')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [ordered] }))
  await run.send(job, jobs(5))
  await run.settled()
  expect(numbers(run.topic(result).data)).toEqual([0, 1])
  broken = false
  await run.clock.advance('10s')
  expect(numbers(run.topic(result).data)).toEqual([0, 1, 2, 3, 4])
})

test('an unordered agent goes on; what is done beyond is committed and, after a crash, not done again', async () => {
  let broken = true
  const handled: number[] = []
  const unordered = agent('unordered', { version: 1, from: job, to: result, retry: { attempts: 100, backoff: '1m' } }, d => {
    handled.push(d.n)
    if (d.n === 1 && broken) throw new Error('broken')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [unordered] }))
  await run.send(job, jobs(5))
  await run.settled()
  expect(numbers(run.topic(result).data)).toEqual([0, 2, 3, 4])
  expect(run.ledger().rows.find(row => row.topic === 'job')).toMatchObject({ committed: 1, done: 1, gap: 0 })
  await run.crash(unordered)
  await run.settled()
  expect(handled).toEqual([0, 1, 2, 3, 4, 1])
  broken = false
  await run.clock.advance('1m')
  expect(numbers(run.topic(result).data)).toEqual([0, 2, 3, 4, 1])
  expect(run.ledger().rows.find(row => row.topic === 'job')).toMatchObject({ committed: 5, done: 5, dead: 0, duplicate: 0, gap: 0 })
})

test('an unordered agent goes at most 10,000 data past one that waits', async () => {
  let broken = true
  const bounded = agent('bounded', { version: 1, from: job, to: result, retry: { backoff: '1m' } }, d => {
    if (d.n === 0 && broken) throw new Error('broken')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [bounded] }))
  for (let n = 0; n < 12; n++)
    await run.send(
      job,
      jobs(1_000).map(d => ({ n: n * 1_000 + d.n })),
    )
  await run.settled()
  expect(run.topic(result).data).toHaveLength(9_999)
  broken = false
  await run.clock.advance('1m')
  expect(run.topic(result).data).toHaveLength(12_000)
})

test('an error that says it is not retryable, and an output that is wrong, are dead at once with the reason', async () => {
  let calls = 0
  const fails = agent('fails', { version: 1, from: job, to: result }, d => {
    calls++
    if (d.n === 0) throw new MillraceError('RECORD_UNSTORABLE', 'Never.')
    if (d.n === 1) throw Object.assign(new Error('No such account.'), { retryable: false })
    // What a program in JavaScript may return.
    if (d.n === 2) return { n: 'two' } as unknown as { n: number }
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [fails] }))
  await run.send(job, jobs(4))
  await run.settled()
  expect(calls).toBe(4)
  expect(run.deadLetters.map(({ offset, attempts, error }) => [offset, attempts, error.code ?? error.message])).toEqual([
    [0, 1, 'RECORD_UNSTORABLE'],
    [1, 1, 'No such account.'],
    [2, 1, 'OUTPUT_INVALID'],
  ])
  expect(run.deadLetters[2]!.error.message).toContain('n: ')
  expect(run.deadLetters[1]!.error.stack).toContain('retries.test')
  expect(numbers(run.topic(result).data)).toEqual([3])
})

test('a datum of which one output is wrong has no outputs at all', async () => {
  const half = agent('half', { version: 1, from: job, to: result }, d => [d, { n: 'two' } as unknown as { n: number }])
  await using run = await testPipeline(pipeline('p', { agents: [half] }))
  await run.send(job, jobs(1))
  await run.settled()
  expect(run.topic(result).data).toEqual([])
  expect(run.deadLetters).toHaveLength(1)
})

test('a timeout aborts the signal and counts as an attempt; what the handler still returns is ignored', async () => {
  const reasons: unknown[] = []
  const { promise: late, resolve } = Promise.withResolvers<{ n: number }>()
  const slow = agent(
    'slow',
    { version: 1, from: job, to: result, timeout: '5s', retry: { attempts: 2, backoff: '1s' } },
    (d, { signal, attempt }) => {
      if (attempt === 2) return d
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return late
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [slow] }))
  await run.send(job, jobs(1))
  await run.clock.advance('5s')
  expect(reasons).toMatchObject([{ code: 'HANDLER_TIMEOUT' }])
  await run.clock.advance('1s')
  resolve({ n: 99 })
  await run.settled()
  expect(numbers(run.topic(result).data)).toEqual([0])
})

test('a suspect has used its attempts: with none left it is dead with the reason, and is not run', async () => {
  const handled: [number, number][] = []
  const deadly = agent('deadly', { version: 1, from: job, to: result, retry: { attempts: 3 } }, (d, { attempt }) => {
    handled.push([d.n, attempt])
    return d
  })
  const clock = new VirtualClock()
  const engine = await openInMemory({ clock: clock.background })
  await engine.ensure([job.spec, result.spec])
  await send(engine, job, jobs(3), clock.now())
  const reason = { name: 'MillraceError', code: 'HANDLER_TIMEOUT', message: 'It spun.' } as const
  const suspect = (offset: number, attempts: number) => ({ topic: 'job', partition: 0, offset, attempts, reason })
  const running = runAgent(deadly, { engine, clock, recorder: silentRecorder }, { suspects: [suspect(0, 3), suspect(1, 1)] })
  await expect.poll(async () => (await engine.bounds('result'))[0]!.next).toBe(2)
  expect(handled).toEqual([
    [1, 2],
    [2, 1],
  ])
  expect(await engine.letters.list({ limit: 10 })).toMatchObject([
    { offset: 0, attempts: 3, error: { code: 'HANDLER_TIMEOUT', message: 'It spun.' } },
  ])
  await running.stop(1_000)
  await engine.close()
})

test('a datum that no longer matches its topic is dead at once', async () => {
  const strict = topic('job', z.object({ n: z.number().max(1) }), { partitions: 1 })
  const check = agent('check', { version: 1, from: strict, to: result }, d => d)
  // Sent by the rules of before.
  await using run = await sceneOf(pipeline('p', { agents: [check] }), () => ({}))
  await run.send({ ...strict, schema: job.schema }, jobs(3))
  await run.settled()
  expect(run.deadLetters).toMatchObject([{ offset: 2, error: { code: 'DATUM_INVALID' } }])
  expect(run.deadLetters[0]!.error.message).toContain('n: ')
})
