import { expect, it } from 'vitest'
import { millrace } from '../cli/millrace.ts'
import { Live } from './live.ts'

/** Fails on everything while a file is missing, and in ways of its own where a datum asks for it. */
const PIPELINE = `
import { existsSync } from 'node:fs'
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const numbers = topic('numbers', z.object({ n: z.number(), how: z.string().optional() }), { partitions: 1, mask: ['how'] })
const halves = topic('halves', z.object({ n: z.number(), how: z.string().optional() }), { partitions: 1, mask: ['how'] })
const halve = agent('halve', { version: 1, from: numbers, to: halves, timeout: '500ms', retry: { attempts: 1 } }, datum => {
  if (datum.how === 'spin') for (;;);
  if (datum.how === 'exit') process.exit(3)
  if (!existsSync(new URL('./mended', import.meta.url))) throw new RangeError('not mended')
  return { n: datum.n / 2, how: datum.how }
})
export default pipeline('halving', { agents: [halve] })
`
type Letters = { readonly letters: readonly { readonly letter: number; readonly state: string }[] }

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

it('replays letters at a rate, and killed half way leaves each as it says it is: the rest is dead, and nothing is done twice; handlers are tried in threads of their own', {
  timeout: 180_000,
}, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  await live.millrace.ready
  const post = async (path: string, body: object) => {
    const { operators } = await live.millrace.ready
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await (await fetch(operators + path, init)).json()) as Record<string, unknown> // the documented answer
  }
  const states = async () => Map.groupBy(((await live.ask('/v1/dead?limit=500')) as unknown as Letters).letters, ({ state }) => state) // the documented answer
  const count = async (state: string) => (await states()).get(state)?.length ?? 0
  const sent = 20
  expect(
    await live.send(
      'numbers',
      Array.from({ length: sent }, (_, n) => ({ n })),
    ),
  ).toBe(202)
  await live.until('all are dead', async () => (await count('dead')) === sent, 40_000)

  expect(await post('/v1/dead/try', { letter: 1 })).toMatchObject({ outcome: 'failure', error: 'RangeError: not mended', version: 1 })
  live.project.write('mended', '')
  const tried = await post('/v1/dead/try', { letter: 1, data: base64({ n: 8, how: 'quietly' }) })
  expect(tried).toMatchObject({ outcome: 'outputs', outputs: [{ to: 'halves', json: { n: 4, how: '•••' } }], without_past: false })
  expect(await post('/v1/dead/try', { letter: 1, data: base64({ n: 'eight' }) })).toMatchObject({
    outcome: 'failure',
    error: expect.stringContaining('n: '),
  })
  expect(await post('/v1/dead/try', { letter: 1, data: base64({ n: 1, how: 'spin' }) })).toMatchObject({
    outcome: 'failure',
    error: expect.stringContaining('its thread was ended'),
  })
  expect(await post('/v1/dead/try', { letter: 1, data: base64({ n: 1, how: 'exit' }) })).toMatchObject({
    outcome: 'failure',
    error: expect.stringContaining('ended its thread'),
  })
  expect(await post('/v1/dead/try', { letter: 99 })).toMatchObject({ code: 'LETTER_UNKNOWN' })
  const command = async (...args: string[]) => {
    const ran = await millrace(['dead', ...args, '--data', live.data, '--json'], { cwd: live.project.folder })
    return { code: ran.code, answer: JSON.parse(ran.stdout || 'null') }
  }
  expect(await command('try', '1')).toMatchObject({ code: 0, answer: { outcome: 'outputs' } })
  // Nothing of it is kept.
  expect([await count('dead'), (await live.topic('halves')).length]).toEqual([sent, 0])

  expect(await post('/v1/dead/replays', { agent: 'halve', rate: 2 })).toMatchObject({ replay: 1, total: sent })
  expect((await command('replays')).answer.replays).toMatchObject([{ replay: 1, what: 'those of halve' }])
  await live.until('some are replayed', async () => Number((await live.ask('/v1/dead/replays/1')).replayed) >= 3)
  live.millrace.signal('SIGKILL')
  await live.millrace.ended
  await live.launch().ready
  expect(await live.ask('/v1/dead/replays')).toEqual({ replays: [] })
  await live.until('what was replayed is done', async () => (await count('replayed')) === 0)
  const left = await count('dead')
  expect(left).toBeGreaterThan(0)
  expect(await count('done')).toBe(sent - left)
  expect(await post('/v1/dead/replays', {})).toMatchObject({ replay: 1, total: left, rate: null })
  await live.until('all are done', async () => (await count('done')) === sent)
  expect((await live.topic('halves')).map(({ n }) => Number(n) * 2).sort((a, b) => a - b)).toEqual(
    Array.from({ length: sent }, (_, n) => n),
  )
})
