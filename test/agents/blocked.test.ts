import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { agent, Blocked, MillraceError, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { blockedOn } from '../../src/agents/blocked.ts'
import { runAgent } from '../../src/agents/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { send } from '../../src/testing/send.ts'

const job = topic('job', z.object({ n: z.number() }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const jobs = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))
const numbers = (data: readonly { readonly n: number }[]) => data.map(datum => datum.n)

test.each([false, true])(
  'what a handler needs being away holds the partition without an attempt being counted (ordered: %s)',
  async ordered => {
    let away = true
    let asked = 0
    const attempts: number[] = []
    const priced = agent(
      'priced',
      { version: 1, from: job, to: result, ordered, concurrency: 3, retry: { attempts: 2 } },
      async (d, { attempt }) => {
        asked++
        if (away && d.n >= 2) throw new Blocked('the price service')
        attempts.push(attempt)
        return d
      },
    )
    await using run = await testPipeline(pipeline('p', { agents: [priced] }))
    await run.send(job, jobs(20))
    await run.settled()
    expect(numbers(run.topic(result).data)).toEqual([0, 1])
    const before = asked
    await run.clock.advance('60s')
    // One is tried now and then, and not each of those that wait: with waits of up to 10 s, half as long on average.
    expect(asked - before).toBeGreaterThan(5)
    expect(asked - before).toBeLessThan(40)
    expect(run.deadLetters).toEqual([])
    away = false
    await run.clock.advance('10s')
    expect(numbers(run.topic(result).data).toSorted((a, b) => a - b)).toEqual(jobs(20).map(({ n }) => n))
    if (ordered) expect(numbers(run.topic(result).data)).toEqual(jobs(20).map(({ n }) => n))
    expect(new Set(attempts)).toEqual(new Set([1]))
  },
)

test.each([false, true])('data of one key that wait behind one that is held go on after it (ordered: %s)', async ordered => {
  let away = true
  const by = () => 'k'
  const priced = agent('priced', { version: 1, from: job, to: result, by, ordered, concurrency: 2, retry: { backoff: '1s' } }, async d => {
    if (away) throw new Blocked('the price service')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [priced] }))
  await run.send(job, jobs(6))
  await run.clock.advance('1m')
  expect(run.topic(result).data).toEqual([])
  away = false
  await run.clock.advance('11s')
  expect(numbers(run.topic(result).data)).toEqual([0, 1, 2, 3, 4, 5])
})

test('a datum that is tried again in its turn comes before the next of its key', async () => {
  const begun: number[] = []
  const by = (d: { n: number }) => (d.n === 2 ? 'other' : 'k')
  const tries = agent(
    'tries',
    { version: 1, from: job, to: result, by, concurrency: 3, retry: { backoff: '1s' } },
    async (d, { attempt }) => {
      begun.push(d.n)
      if (d.n === 0 && attempt === 1) throw new Error('not yet')
      return d
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [tries] }))
  await run.send(job, jobs(3))
  await run.clock.advance('2s')
  expect(begun.filter(n => n !== 2)).toEqual([0, 0, 1])
  expect(numbers(run.topic(result).data)).toEqual([0, 1, 2])
})

test('a datum that what was away refuses goes to the dead letters, and its neighbours go on', async () => {
  let away = true
  const stored = agent('stored', { version: 1, from: job, to: result, retry: { attempts: 1 } }, d => {
    if (away) throw new Blocked('the store')
    if (d.n === 0) throw new Error('the store does not take a zero')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [stored] }))
  await run.send(job, jobs(4))
  await run.settled()
  away = false
  await run.clock.advance('10s')
  expect(numbers(run.topic(result).data)).toEqual([1, 2, 3])
  expect(run.deadLetters.map(letter => letter.error.message)).toEqual(['the store does not take a zero'])
})

test('who runs the agent is told what it waits for, and that it waits no longer', async () => {
  const engine = await openInMemory()
  await engine.ensure([job.spec, result.spec])
  let away = true
  const told: (string | undefined)[] = []
  const declared = agent('told', { version: 1, from: job, to: result, retry: { backoff: '1ms', maxBackoff: '2ms' } }, d => {
    if (away) throw new Blocked('the price service', { cause: new Error('503') })
    return d
  })
  const running = runAgent(declared, { engine, clock: systemClock, recorder: silentRecorder }, { held: (_, reason) => told.push(reason) })
  await send(engine, job, jobs(1), 0)
  await expect.poll(() => told).toEqual(['blocked on the price service: 503'])
  away = false
  await expect.poll(() => told).toEqual(['blocked on the price service: 503', undefined])
  await running.stop(1_000)
  await engine.close()
})

test('what the network says of a service that is away counts as such, wherever it stands among the causes', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
  expect(blockedOn(refused)).toBe('blocked on the network: connect ECONNREFUSED 127.0.0.1:1')
  expect(blockedOn(new TypeError('fetch failed', { cause: refused }))).toBe('blocked on the network: connect ECONNREFUSED 127.0.0.1:1')
  expect(blockedOn(new AggregateError([refused]))).toBe('blocked on the network: connect ECONNREFUSED 127.0.0.1:1')
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // What listens on a TCP port has such an address.
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const real = await fetch(`http://127.0.0.1:${port}`).catch((error: unknown) => error)
  expect(blockedOn(real)).toMatch(/^blocked on the network: /)
  expect(blockedOn(Object.assign(new Error('no'), { retryable: false, cause: refused }))).toBe(undefined)
  expect(blockedOn(new MillraceError('AGENT_CRASHED', 'It ended on this datum.', { cause: refused }))).toBe(undefined)
  expect(blockedOn(new Error('a bug'))).toBe(undefined)
  expect(blockedOn('text')).toBe(undefined)
})
