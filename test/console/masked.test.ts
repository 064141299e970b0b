import { agent, cache, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { maskingOf } from '../../src/console/masked.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { MASK } from '../../src/stream/masked.ts'
import { listen } from './ops.ts'

const charge = { name: 'charge', version: 1 }
const payment = topic('payment', z.object({ card: z.string(), amount: z.number(), n: z.number().optional() }), {
  key: p => p.card,
  mask: ['card'],
})
const spent = cache('spent', z.object({ card: z.string(), sum: z.number() }), { key: s => s.card, mask: ['card'] })
const shop = pipeline('shop', { agents: [agent('charge', { version: 1, from: payment, to: spent }, ({ card }) => ({ card, sum: 1 }))] })
const replays = replayTopic(charge)

async function withLetter(datum: string) {
  const ops = await listen(['payment', replays], { pipeline: shop })
  await ops.scene.send('payment', '4111-2222', datum)
  await ops.scene.work(charge, ['payment', replays], () => new TypeError('no such card'))
  return ops
}

test('a dead letter is shown without what its topic hides, and an edit of that keeps it, numbers to the digit', async () => {
  const died = '{"card":"4111-2222","amount":-5,"n":9007199254740993}'
  await using ops = await withLetter(died)
  const shown = await ops.get('/v1/dead/1')
  expect(shown.json.datum).toMatchObject({ key: MASK, json: { card: MASK, amount: -5 } })
  expect(shown.text).not.toContain('4111')
  const edit = (text: string) => ops.post('/v1/dead/1/edit', { data: Buffer.from(text).toString('base64') })
  expect(await edit(`{"card":"${MASK}","amount":5,"n":9007199254740993}`)).toMatchObject({ status: 200, json: { edited: [1] } })
  const cursor = new FrameCursor((await ops.scene.engine.letters.frame(1))!)
  cursor.next()
  expect([cursor.key, cursor.dataText]).toEqual(['4111-2222', '{"card":"4111-2222","amount":5,"n":9007199254740993}'])
  const again = await ops.get('/v1/dead/1')
  expect([again.json.datum.json, again.json.original.json]).toMatchObject([
    { card: MASK, amount: 5 },
    { card: MASK, amount: -5 },
  ])
  expect(await edit(`{"card":"5","amount":"${MASK}"}`)).toMatchObject({ status: 422 })
})

test('a datum that cannot be decoded is hidden whole where its topic hides a field of it', async () => {
  await using ops = await withLetter('{"card":"4111-2222",')
  const { json, text } = await ops.get('/v1/dead/1')
  expect(json.datum).toMatchObject({ key: MASK, json: MASK })
  expect(text).not.toContain('4111')
})

test('a cache’s values and the keys that say the same are hidden, each entry by itself', async () => {
  await using ops = await listen(['payment'], { pipeline: shop })
  await ops.scene.send('payment', 'k', '1')
  const entries = ['4111', '4222'].map(card => ({ cache: 'spent', key: card, value: JSON.stringify({ card, sum: 1 }) }))
  await ops.scene.work(charge, ['payment'], () => [], { cache: entries })
  const { json, text } = await ops.get('/v1/cache/spent')
  expect(Object.values(json.entries)).toEqual([
    { card: MASK, sum: 1 },
    { card: MASK, sum: 1 },
  ])
  expect(text).not.toMatch(/4111|4222/)
  // Nor found by guessing: a key that is there is answered as one that is not.
  for (const key of ['4111', '4333']) expect(await ops.get(`/v1/cache/spent/${key}`)).toMatchObject({ status: 404 })
})

test('a topic that a pipeline with masks does not declare is hidden whole', () => {
  expect(maskingOf(shop, 'payment')).toBe(payment)
  expect(maskingOf(shop, 'payment-of-last-year')).toEqual({ mask: true })
  expect(maskingOf(pipeline('open', { agents: [], topics: [topic('a', z.unknown())] }), 'b')).toEqual({})
})
