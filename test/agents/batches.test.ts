import { agent, Blocked, out, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'

const job = topic('job', z.object({ n: z.number(), key: z.string().default('k') }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const sum = topic('sum', z.object({ sum: z.number() }), { partitions: 1 })
const jobs = (count: number, first = 0) => Array.from({ length: count }, (_, n) => ({ n: first + n }))
const numbers = (data: readonly { readonly n: number }[]) => data.map(datum => datum.n)

test('a handler of batches gets full batches, and the rest when the first of them has waited long enough', async () => {
  const sizes: number[] = []
  const model = agent('model', { version: 1, from: job, to: result, batch: { size: 4, waitMs: 100 } }, data => {
    sizes.push(data.length)
    return data.map(({ n }) => ({ n: n * 10 }))
  })
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(10))
  await run.settled()
  expect(sizes).toEqual([4, 4])
  await run.clock.advance('99ms')
  expect(sizes).toEqual([4, 4])
  await run.clock.advance('1ms')
  expect(sizes).toEqual([4, 4, 2])
  expect(numbers(run.topic(result).data)).toEqual(jobs(10).map(({ n }) => n * 10))
  // Each output has its own datum as its parent.
  const parents = run.topic(result).envelopes.map(({ parents }) => parents?.length)
  expect(new Set(parents)).toEqual(new Set([1]))
})

test('outputs of a batch as a whole have all of its data as their parents, also after a crash', async () => {
  const sums = agent('sums', { version: 1, from: job, to: [sum], batch: { size: 5, waitMs: 50, outputs: 'batch' } }, async data => {
    const total = data.reduce((all, { n }) => all + n, 0)
    return [out(sum, { sum: total })]
  })
  await using run = await testPipeline(pipeline('p', { agents: [sums] }))
  await run.send(job, jobs(7))
  await run.settled()
  await run.crash(sums)
  await run.clock.advance('50ms')
  await run.send(job, jobs(4, 7))
  await run.clock.advance('50ms')
  const { data, envelopes } = run.topic(sum)
  expect(data.reduce((all, datum) => all + datum.sum, 0)).toBe(55)
  const parents = envelopes.flatMap(envelope => envelope.parents ?? [])
  expect(parents.length).toBe(11)
  expect(new Set(parents)).toEqual(new Set(run.topic(job).envelopes.map(({ dataId }) => dataId)))
})

test('a batch that fails is halved until the datum at fault is by itself: only its attempts count, its neighbours are done once', async () => {
  const seen: number[][] = []
  const model = agent(
    'model',
    { version: 1, from: job, to: result, batch: { size: 8, waitMs: 10 }, retry: { attempts: 2, backoff: '1s' } },
    data => {
      seen.push(numbers(data))
      if (data.some(({ n }) => n === 5)) throw new Error('a five')
      return data
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(8))
  await run.settled()
  expect(seen).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]])
  await run.clock.advance('1s')
  expect(seen.at(-1)).toEqual([5])
  expect(numbers(run.topic(result).data)).toEqual([0, 1, 2, 3, 4, 6, 7])
  expect(run.deadLetters).toMatchObject([{ attempts: 2, error: { message: 'a five' } }])
  expect(run.ledger().balanced).toBe(true)
})

test('one wrong list of results is the failure of each by itself, and says what is wanted', async () => {
  const model = agent('model', { version: 1, from: job, to: result, batch: { size: 2, waitMs: 10 }, retry: { attempts: 1 } }, () => [])
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(2))
  await run.clock.advance('10ms')
  expect(run.deadLetters.map(({ error }) => error.message)).toEqual([
    expect.stringContaining('The handler of a batch of 1 data returned a list of 0.'),
    expect.stringContaining("declare batch: { outputs: 'batch' }"),
  ])
})

test('windows are those of each datum, and outputs come in the order of the data where there is a key', async () => {
  const seen: number[][] = []
  const model = agent(
    'model',
    { version: 1, from: job, to: result, by: d => d.key, window: 3, concurrency: 2, batch: { size: 3, waitMs: 10 } },
    async (data, { each }) => {
      // The second batch is done before the first.
      if (data[0]?.n === 0) await new Promise(resolve => setTimeout(resolve, 20))
      seen.push(...each.map(({ window }) => numbers(window)))
      return data
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(6))
  await run.settled()
  expect(seen).toEqual([[1, 2, 3], [2, 3, 4], [3, 4, 5], [0], [0, 1], [0, 1, 2]])
  expect(numbers(run.topic(result).data)).toEqual([0, 1, 2, 3, 4, 5])
})

test('what the handler needs being away holds the whole batch, and nobody is blamed', async () => {
  let away = true
  const model = agent('model', { version: 1, from: job, to: result, batch: { size: 4, waitMs: 10 }, retry: { attempts: 1 } }, data => {
    if (away) throw new Blocked('the model server')
    return data
  })
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(12))
  await run.clock.advance('1m')
  expect(run.topic(result).data).toEqual([])
  away = false
  await run.clock.advance('11s')
  expect(numbers(run.topic(result).data).toSorted((a, b) => a - b)).toEqual(jobs(12).map(({ n }) => n))
  expect(run.deadLetters).toEqual([])
})

test('a batch that takes too long is halved, too', async () => {
  const model = agent(
    'model',
    { version: 1, from: job, to: result, batch: { size: 2, waitMs: 10 }, timeout: '1s', retry: { attempts: 1 } },
    async data => (data.some(({ n }) => n === 1) ? new Promise<never>(() => undefined) : data),
  )
  await using run = await testPipeline(pipeline('p', { agents: [model] }))
  await run.send(job, jobs(2))
  await run.clock.advance('3s')
  expect(numbers(run.topic(result).data)).toEqual([0])
  expect(run.deadLetters).toMatchObject([{ error: { code: 'HANDLER_TIMEOUT' } }])
})

test.each([[{ size: 1 }], [{ size: 1_001 }], [{ size: 2, waitMs: -1 }]])('refuses batches of %j', batch => {
  expect(() => agent('wrong', { version: 1, from: job, batch }, () => [])).toThrow(TypeError)
})
