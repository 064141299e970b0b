import { agent, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Breaker } from '../../src/agents/breaker.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const job = topic('job', z.object({ n: z.number() }), { partitions: 2 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const jobs = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))

test.each([1, 50])(
  'an agent that fails on everything is paused before its stream is dead letters, and goes on when it is mended (concurrency %i)',
  async concurrency => {
    let broken = true
    const faulty = agent('faulty', { version: 1, from: job, to: result, concurrency, retry: { attempts: 1 } }, async d => {
      if (broken) throw new Error('no such setting')
      return d
    })
    await using run = await testPipeline(pipeline('p', { agents: [faulty] }))
    await run.send(job, jobs(500))
    await run.settled()
    expect(run.deadLetters.length).toBe(100)
    // Each pause lets one datum through: 30 s, then 60 s.
    await run.clock.advance('91s')
    expect(run.deadLetters.length).toBe(102)
    broken = false
    await run.clock.advance('2m')
    expect(run.topic(result).data.length).toBe(398)
    expect(run.deadLetters.length).toBe(102)
    expect(run.ledger().balanced).toBe(true)
  },
)

test('bad data among good ones do not pause it, nor anything where it is told never to', async () => {
  const picky = agent('picky', { version: 1, from: job, to: result, retry: { attempts: 1 } }, d => {
    if (d.n % 2 === 0) throw new Error('even')
    return d
  })
  const never = agent('never', { version: 1, from: job, retry: { attempts: 1 }, breaker: false }, () => {
    throw new Error('always')
  })
  await using run = await testPipeline(pipeline('p', { agents: [picky, never] }))
  await run.send(job, jobs(400))
  await run.settled()
  expect(run.topic(result).data.length).toBe(200)
  expect(run.deadLetters.length).toBe(600)
})

test('the datum that is tried is tried as often as the policy says before it pauses again', async () => {
  let asked = 0
  const faulty = agent(
    'faulty',
    { version: 1, from: job, retry: { attempts: 3, backoff: '1s' }, breaker: { of: 10, share: 1, pause: '1m' } },
    () => {
      asked++
      throw new Error('no')
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [faulty] }))
  await run.send(job, jobs(100))
  await run.clock.advance('30s')
  expect(run.deadLetters.length).toBeGreaterThanOrEqual(10)
  const [letters, before] = [run.deadLetters.length, asked]
  await run.clock.advance('50s')
  expect(run.deadLetters.length).toBe(letters + 1)
  expect(asked - before).toBeLessThanOrEqual(3)
})

test('what was in hand when it paused fails without ending the pause, nor being tried without one', async () => {
  const gates: (() => void)[] = []
  let asked = 0
  const faulty = agent(
    'faulty',
    { version: 1, from: job, concurrency: 2, timeout: '10m', retry: { attempts: 1 }, breaker: { of: 3, share: 1, pause: '1s' } },
    async d => {
      asked++
      // The first of each partition hangs for longer than the pauses.
      if (d.n < 2) await new Promise<void>(resolve => gates.push(resolve))
      throw new Error('no')
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [faulty] }))
  await run.send(job, jobs(40))
  await run.step()
  await run.clock.advance('1500ms')
  for (const open of gates) open()
  await run.step()
  const before = asked
  await run.clock.advance('20s')
  // 2, 4, 8, 16 s: each pause lets one through.
  expect(asked - before).toBeLessThan(8)
})

test('keys that wait behind the datum that is tried go on after it', async () => {
  let broken = true
  const by = () => 'k'
  const retry = { attempts: 2, backoff: '100ms' } as const
  const faulty = agent(
    'faulty',
    { version: 1, from: job, to: result, by, concurrency: 4, ordered: false, retry, breaker: { of: 4, share: 1, pause: '1s' } },
    async d => {
      if (broken) throw new Error('no')
      return d
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [faulty] }))
  await run.send(job, jobs(40))
  await run.clock.advance('30s')
  broken = false
  await run.clock.advance('10m')
  expect(run.topic(result).data.length + run.deadLetters.length).toBe(40)
  expect(run.deadLetters.length).toBeLessThan(20)
})

test('a version that gets a share of the keys is judged by its own data', () => {
  const said: (string | undefined)[] = []
  const breaker = new Breaker({ share: 0.9, of: 10, pauseMs: 30_000 }, new VirtualClock(), reason => said.push(reason))
  for (let n = 0; n < 10; n++) {
    for (let other = 0; other < 9; other++) breaker.done(false)
    breaker.failed(new Error('the new one'), true)
  }
  expect(said).toEqual([expect.stringContaining('10 of the last 10 data')])
})

test('it counts the last so many, says why it pauses, and doubles the pause up to ten minutes', () => {
  const clock = new VirtualClock()
  const said: (string | undefined)[] = []
  const breaker = new Breaker({ share: 0.5, of: 4, pauseMs: 30_000 }, clock, reason => said.push(reason))
  for (const fails of [true, false, false, true]) {
    expect(breaker.lets).toBe(true)
    if (fails) breaker.failed(new RangeError('out of\nrange'), false)
    else breaker.done(false)
  }
  expect(breaker.lets).toBe(false)
  expect(said).toEqual([expect.stringContaining('2 of the last 4 data went to the dead letters, the last with RangeError: out of range')])
})

test.each([[{ share: 0 }], [{ share: 1.1 }], [{ of: 0 }]])('refuses the settings %j', breaker => {
  expect(() => agent('wrong', { version: 1, from: job, breaker }, () => undefined)).toThrow(TypeError)
})
