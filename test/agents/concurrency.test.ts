import { agent, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'

const job = topic('job', z.object({ key: z.string(), n: z.number() }), { key: d => d.key, partitions: 1 })
const result = topic('result', z.object({ key: z.string(), n: z.number() }), { partitions: 1 })
const jobs = (keys: string) => [...keys].map((key, n) => ({ key, n }))

/** Handlers that wait until the test lets them go; says who was at work at once. */
function gates() {
  const open = new Map<number, () => void>()
  const atWork = new Set<string>()
  let most = 0
  let overlapped = false
  return {
    async enter(d: { key: string; n: number }) {
      if (atWork.has(d.key)) overlapped = true
      atWork.add(d.key)
      most = Math.max(most, atWork.size)
      await new Promise<void>(resolve => open.set(d.n, resolve))
      atWork.delete(d.key)
    },
    inHand: () => [...open.keys()].sort((a, b) => a - b),
    async let(n: number) {
      await expect.poll(() => open.has(n)).toBe(true)
      open.get(n)!()
      open.delete(n)
    },
    get most() {
      return most
    },
    get overlapped() {
      return overlapped
    },
  }
}

test('keys run side by side up to the concurrency; those of one key never overlap', async () => {
  const gate = gates()
  const work = agent('work', { version: 1, from: job, to: result, by: d => d.key, ordered: false, concurrency: 3 }, async d => {
    await gate.enter(d)
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('aabcd'))
  await expect.poll(gate.inHand).toEqual([0, 2, 3])
  await gate.let(2)
  await expect.poll(gate.inHand).toEqual([0, 3, 4])
  await gate.let(0)
  await expect.poll(gate.inHand).toEqual([1, 3, 4])
  for (const n of [4, 3, 1]) await gate.let(n)
  await run.settled()
  expect([gate.most, gate.overlapped]).toEqual([3, false])
  expect(run.topic(result).data.map(d => d.n)).toEqual([2, 0, 4, 3, 1])
})

test('the outputs of an ordered agent come in the order of its data, whoever is done first', async () => {
  const gate = gates()
  const work = agent('work', { version: 1, from: job, to: result, by: d => d.key, concurrency: 4 }, async d => {
    await gate.enter(d)
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('abcd'))
  await gate.let(3)
  await gate.let(1)
  await run.clock.advance(1)
  expect(run.topic(result).data).toEqual([])
  await gate.let(0)
  await expect.poll(() => run.step().then(() => run.topic(result).data.map(d => d.n))).toEqual([0, 1])
  await gate.let(2)
  await run.settled()
  expect(run.topic(result).data.map(d => d.n)).toEqual([0, 1, 2, 3])
})

test('an output of an ordered agent names the datum it was made of, also where that was done while one before it was waited for', async () => {
  const gate = gates()
  const work = agent('work', { version: 1, from: job, to: result, by: d => d.key, concurrency: 4 }, d =>
    d.n === 0 ? gate.enter(d).then(() => d) : d,
  )
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('abcd'))
  await gate.let(0)
  await run.settled()
  const sent = new Map(run.topic(job).envelopes.map(({ dataId }, n) => [dataId, n]))
  expect(run.topic(result).envelopes.map(({ parents }) => parents?.map(id => sent.get(id)))).toEqual([[0], [1], [2], [3]])
})

test('without concurrency a handler that waits has one datum in hand', async () => {
  const gate = gates()
  const work = agent('work', { version: 1, from: job, to: result }, async d => {
    await gate.enter(d)
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('abc'))
  for (const n of [0, 1, 2]) {
    await gate.let(n)
  }
  await run.settled()
  expect([gate.most, run.topic(result).data.length]).toEqual([1, 3])
})

test('an ordered agent with several in hand begins nothing new while one waits to be tried again', async () => {
  let broken = true
  const begun: number[] = []
  const work = agent('work', { version: 1, from: job, to: result, by: d => d.key, concurrency: 2, retry: { backoff: '1m' } }, async d => {
    begun.push(d.n)
    if (d.n === 0 && broken) throw new Error('broken')
    return d
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('abcdef'))
  await run.settled()
  // b was in hand already.
  expect(begun).toEqual([0, 1])
  expect(run.topic(result).data).toEqual([])
  broken = false
  await run.clock.advance('1m')
  expect(run.topic(result).data.map(d => d.n)).toEqual([0, 1, 2, 3, 4, 5])
})

test('an asynchronous generator, and an asynchronous schema, are waited for', async () => {
  const slow = topic('slow', z.object({ key: z.string(), n: z.number().refine(async n => n < 3) }), { partitions: 1 })
  const work = agent('work', { version: 1, from: slow, to: result }, async function* (d) {
    yield d
    await new Promise(setImmediate)
    yield { ...d, n: d.n + 10 }
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(slow, jobs('abc'))
  await run.settled()
  expect(run.topic(result).data.map(d => d.n)).toEqual([0, 10, 1, 11, 2, 12])
})

test('when its agent crashes a handler is told by its signal', async () => {
  const reasons: unknown[] = []
  const work = agent('work', { version: 1, from: job, to: result }, (_, { signal }) => {
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    return new Promise<undefined>(() => {})
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  await run.send(job, jobs('a'))
  await run.step()
  await run.crash(work)
  expect(reasons).toMatchObject([{ message: 'The agent crashed.' }])
})

test('what waits in a handler keeps its own bytes in memory, and not those of its whole batch', async () => {
  const held: (() => number)[] = []
  const gate = gates()
  const work = agent('work', { version: 1, from: job, concurrency: 100 }, async (d, context) => {
    held.push(() => context.envelope.data.buffer.byteLength)
    await gate.enter(d)
  })
  await using run = await testPipeline(pipeline('p', { agents: [work] }))
  const key = 'k'.repeat(1_000)
  await run.send(
    job,
    Array.from({ length: 100 }, (_, n) => ({ key, n })),
  )
  await expect.poll(gate.inHand).toHaveLength(100)
  // Each has two of two hundred kilobytes; what is small is copied into one of Node's pools.
  expect(held.map(bytes => bytes()).every(bytes => bytes <= Buffer.poolSize)).toBe(true)
  for (const n of gate.inHand()) await gate.let(n)
  await run.settled()
})
