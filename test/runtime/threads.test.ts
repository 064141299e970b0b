import { expect, it } from 'vitest'
import { Live } from './live.ts'

/** Two agents on one topic: `risky` runs `body` for data that are bad, `steady` never fails. */
const withHandler = (body: string, timeout = '300ms') => `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number(), bad: z.boolean().default(false) }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const options = { version: 1, from: work, to: result, timeout: '${timeout}', retry: { attempts: 2, backoff: '1ms' } } as const
const risky = agent('risky', options, async datum => {
  if (datum.bad) { ${body} }
  return { n: datum.n }
})
const steady = agent('steady', { version: 1, from: work }, () => undefined)
export default pipeline('threads', { agents: [risky, steady] })
`

it.each([
  ['spins', 'for (;;);', 'HANDLER_TIMEOUT', /held its thread/],
  ['spins after it has waited', 'await new Promise(resolve => setImmediate(resolve)); for (;;);', 'HANDLER_TIMEOUT', /held its thread/],
  ['ends the process', 'process.exit(3)', 'AGENT_CRASHED', /process\.exit/],
  [
    'throws where nobody catches',
    "setTimeout(() => { throw new Error('out of nowhere') }, 1); await new Promise(() => {})",
    undefined,
    /out of nowhere/,
  ],
  ['takes all memory', 'const all = []; for (;;) all.push(new Array(100_000).fill(datum.n))', undefined, /memory/, '20s'],
])(
  'a handler that %s stops neither the front end nor other agents, and its datum ends in the dead letters',
  { timeout: 90_000 },
  async (_what, body, code, reason, timeout = '300ms') => {
    await using live = new Live({
      'pipeline.ts': withHandler(body, timeout),
      'millrace.config.ts': "export default { threads: { memory: '64MB' } }",
    })
    await live.millrace.ready
    expect(await live.send('work', [{ n: 1 }, { n: 2, bad: true }, { n: 3 }])).toBe(202)
    // Its thread is in the datum now or on its way there; the door stands open all the same.
    expect(await live.send('work', [{ n: 4 }])).toBe(202)
    await live.until('steady has done all four', async () => (await live.counts('steady@1')).done === 4)
    await live.until('risky is at the end', async () => (await live.counts('risky@1')).behind === 0, 60_000)

    expect(await live.counts('risky@1')).toEqual({ done: 3, dead: 1, behind: 0 })
    expect((await live.topic('result')).map(value => value.n).sort()).toEqual([1, 3, 4])
    const { letters } = (await live.ask('/v1/dead')) as { letters: { attempts: number; error: { code?: string; message: string } }[] }
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({
      attempts: 2,
      error: { message: expect.stringMatching(reason), ...(code === undefined ? {} : { code }) },
    })
    await live.until('it is ready again', async () => (await live.ask('/health/ready')).ok === true)
    expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
  },
)

it('a pipeline that throws while a thread loads it does not start, and says where', { timeout: 30_000 }, async () => {
  const source = `import { isMainThread } from 'node:worker_threads'\nif (!isMainThread) throw new Error('only in threads')\n${withHandler('')}`
  await using live = new Live({ 'pipeline.ts': source })
  const { code } = await live.millrace.ended
  expect(code).toBe(1)
  expect(live.millrace.errors).toContain('pipeline.ts:2')
  expect(live.millrace.errors).toContain('only in threads')
})

it('a second process on a data directory is told who has it, and the first goes on', { timeout: 30_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': withHandler('') })
  const first = live.millrace
  await first.ready
  await using second = live.launch()
  const { code } = await second.ended
  expect(code).not.toBe(0)
  expect(second.errors).toContain('DATA_DIRECTORY_LOCKED')
  expect(second.errors).toContain(String(first.pid))
  expect(await first.stop(), first.errors).toBe(0)
})

it('a process that was killed leaves nothing behind that keeps the next from starting', { timeout: 30_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': withHandler('') })
  await live.millrace.ready
  live.millrace.signal('SIGKILL')
  await live.millrace.ended
  const next = live.launch()
  await next.ready
  expect(await live.send('work', [{ n: 1 }])).toBe(202)
  expect(await next.stop(), next.errors).toBe(0)
})

it('a timer that the pipeline left running keeps the process no longer than its stop', { timeout: 30_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': `setInterval(() => {}, 1_000)\n${withHandler('')}` })
  await live.millrace.ready
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})
