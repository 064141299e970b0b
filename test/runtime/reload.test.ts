import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Live } from './live.ts'

const pipeline = (options: { readonly version?: string; readonly extra?: string; readonly agents?: string } = {}) => `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
import { marker } from './lib/marker.ts'
export const numbers = topic('numbers', z.object({ n: z.number() }), { key: datum => String(datum.n % 5), partitions: 2 })
export const marked = topic('marked', z.object({ n: z.number(), marker: z.string(), count: z.number() }), { partitions: 1 })
const mark = agent('mark', { ${options.version ?? 'version: 1'}, from: numbers, to: marked, by: datum => String(datum.n % 5),
  state: { init: () => 0, update: count => count + 1 } }, (datum, { state }) => ({ n: datum.n, marker, count: state }))
${options.extra ?? ''}
export default pipeline('reloads', { agents: [mark${options.agents ?? ''}] })
`
const marker = (text: string) => `export const marker: string = '${text}'`

/** Sends without a pause until told to stop. @returns the numbers that were acknowledged. */
function sendOn(live: Live): { stop(): Promise<number[]> } {
  const sent: number[] = []
  let stopping = false
  const running = (async () => {
    for (let n = 0; !stopping; n += 20) {
      const numbers = Array.from({ length: 20 }, (_, i) => n + i)
      // A reload never closes the door: every request is taken.
      expect(
        await live.send(
          'numbers',
          numbers.map(number => ({ n: number })),
        ),
      ).toBe(202)
      sent.push(...numbers)
      await sleep(5)
    }
  })()
  return {
    async stop() {
      stopping = true
      await running
      return sent
    },
  }
}

const reloads = (live: Live) =>
  [...live.millrace.errors.matchAll(/Reloaded reloads: \d+ agents? in (\d+) ms/g)].map(match => Number(match[1]))

it('reloads changed files under load: every datum takes effect once, and state goes on', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(), 'lib/marker.ts': marker('m0') }, 'dev')
  await live.millrace.ready
  const sending = sendOn(live)
  for (let edit = 1; edit <= 5; edit++) {
    await live.until('data pass', async () => (await live.counts('mark@1')).done > edit * 50)
    live.project.write('lib/marker.ts', marker(`m${edit}`))
    await live.until(`edit ${edit} is at work`, async () => (await live.topic('marked')).some(value => value.marker === `m${edit}`))
  }
  const sent = await sending.stop()
  await live.until('all is handled', async () => (await live.counts('mark@1')).behind === 0)

  const marked = await live.topic('marked')
  expect(marked.map(value => value.n).sort((a, b) => Number(a) - Number(b))).toEqual(sent)
  for (let key = 0; key < 5; key++) {
    // The state counted each datum of its key once, across five exchanges of its thread.
    const counts = marked.filter(value => Number(value.n) % 5 === key).map(value => value.count)
    expect(counts).toEqual(counts.map((_, i) => i + 1))
  }
  expect(new Set(marked.map(value => value.marker))).toEqual(new Set(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']))
  console.log(`reloads took ${reloads(live).join(', ')} ms`)
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})

it('keeps the old pipeline at work while the new one does not load, and says why', { timeout: 60_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(), 'lib/marker.ts': marker('old') }, 'dev')
  await live.millrace.ready
  live.project.write('lib/marker.ts', 'export const marker: string = (')
  await live.until('the error is said', () => live.millrace.errors.includes('lib/marker.ts:1'))
  live.project.write('lib/marker.ts', "export const marker = 'x'\nthrow new Error('not this one')")
  await live.until('the next error is said', () => live.millrace.errors.includes('not this one'))
  expect(await live.send('numbers', [{ n: 1 }])).toBe(202)
  await live.until('the old one handles it', async () => (await live.topic('marked')).length === 1)

  // A file that was missing counts as a change, too.
  live.project.write('lib/marker.ts', "export { marker } from './missing.ts'")
  await live.until('what is missing is said', () => live.millrace.errors.includes('missing.ts'))
  live.project.write('lib/missing.ts', marker('new'))
  await live.until('it is reloaded', () => reloads(live).length > 0)
  expect(await live.send('numbers', [{ n: 2 }])).toBe(202)
  await live.until('the new one handles it', async () => (await live.topic('marked')).some(value => value.marker === 'new'))
})

it('takes in agents and topics that are new, and lets go of those that are not there any more', { timeout: 60_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(), 'lib/marker.ts': marker('m') }, 'dev')
  await live.millrace.ready
  expect(await live.send('letters', [{ letter: 'a' }])).toBe(404)
  const extra = `const letters = topic('letters', z.object({ letter: z.string() }))
const spell = agent('spell', { version: 1, from: letters }, () => undefined)`
  live.project.write('pipeline.ts', pipeline({ extra, agents: ', spell' }))
  await live.until('it is reloaded', () => reloads(live).length === 1)
  expect(await live.send('letters', [{ letter: 'a' }])).toBe(202)
  await live.until('the new agent has done it', async () => (await live.counts('spell@1')).done === 1)

  live.project.write('pipeline.ts', pipeline())
  await live.until('it is reloaded again', () => reloads(live).length === 2)
  expect(await live.send('letters', [{ letter: 'b' }])).toBe(404)
  const { parts } = (await live.ask('/health/ready')) as { parts: { part: string }[] }
  expect(parts.map(({ part }) => part)).not.toContain('agent spell@1')
})

it('a version that replaces another takes over its place: nothing is lost or done again', { timeout: 60_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(), 'lib/marker.ts': marker('one') }, 'dev')
  await live.millrace.ready
  const sending = sendOn(live)
  await live.until('data pass', async () => (await live.counts('mark@1')).done > 100)
  live.project.write('pipeline.ts', pipeline({ version: 'version: 2, replaces: 1' }))
  await live.until('version 2 is at work', async () => (await live.counts('mark@2')).done > 200)
  const sent = await sending.stop()
  await live.until('all is handled', async () => (await live.counts('mark@2')).behind === 0)
  expect((await live.topic('marked')).map(value => value.n).sort((a, b) => Number(a) - Number(b))).toEqual(sent)
})

it('refuses a change that the data do not allow, and goes on as before', { timeout: 60_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(), 'lib/marker.ts': marker('m') }, 'dev')
  await live.millrace.ready
  live.project.write('pipeline.ts', pipeline().replace('partitions: 2', 'partitions: 3'))
  await live.until('the difference is said', () => /numbers.*partitions/.test(live.millrace.errors))
  expect(await live.send('numbers', [{ n: 1 }])).toBe(202)
  await live.until('the old one handles it', async () => (await live.topic('marked')).length === 1)
})
