import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Live } from '../live.ts'

const PIPELINE = `
import { pipeline, remoteAgent, topic } from 'millrace'
import { attached } from 'millrace/remote'
import { z } from 'zod'
const feedback = topic('feedback', z.object({ text: z.string() }), { partitions: 1 })
const sentiment = topic('sentiment', z.object({ mood: z.string() }), { partitions: 1 })
const mood = remoteAgent('mood', { version: 1, from: feedback, to: sentiment, timeout: '500ms', run: attached() })
export default pipeline('attached', { agents: [mood] })
`
const CONFIG = "export default { attach: '127.0.0.1:0' }"

interface Batch {
  readonly claim: string
  readonly data: readonly { readonly n: number; readonly data_id: string; readonly attempt: number }[]
}

async function post(live: Live, what: 'claim' | 'commit', body: object): Promise<Response> {
  const { attach } = await live.millrace.ready
  return fetch(`${attach}/v1/agents/mood@1/${what}`, { method: 'POST', body: JSON.stringify(body) })
}

async function claim(live: Live): Promise<Batch> {
  const response = await post(live, 'claim', { wait_ms: 10_000 })
  expect(response.status).toBe(200)
  return (await response.json()) as Batch // docs/protocol.md
}

const results = ({ data }: Batch) => data.map(({ n }) => ({ n, outputs: [{ mood: 'good' }] }))

it('data wait for a worker for as long as it takes, and count no attempt meanwhile', { timeout: 90_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE, 'millrace.config.ts': CONFIG })
  await live.millrace.ready
  expect(await live.send('feedback', [{ text: 'a' }, { text: 'b' }])).toBe(202)
  // Longer than the agent's timeout and all that is added to it for a thread that spins.
  await sleep(2_500)
  const batch = await claim(live)
  expect(batch.data.map(({ attempt }) => attempt)).toEqual([1, 1])
  expect((await post(live, 'commit', { claim: batch.claim, results: results(batch) })).status).toBe(200)
  await live.until('both are done', async () => (await live.counts('mood@1')).done === 2)
  expect(await live.topic('sentiment')).toEqual([{ mood: 'good' }, { mood: 'good' }])
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})

it('a claim ends with the thread that gave it out: what comes for it is refused, and its data are given out anew', {
  timeout: 90_000,
}, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE.replace('500ms', '60s'), 'millrace.config.ts': CONFIG }, 'dev')
  await live.millrace.ready
  expect(await live.send('feedback', [{ text: 'a' }])).toBe(202)
  const before = await claim(live)
  live.project.write('pipeline.ts', PIPELINE)
  await live.until('it has reloaded', () => live.millrace.errors.includes('Reloaded attached'))
  const late = await post(live, 'commit', { claim: before.claim, results: results(before) })
  expect([late.status, await late.json()]).toEqual([409, expect.objectContaining({ code: 'LEASE_LOST' })])
  const after = await claim(live)
  expect(after.data.map(({ data_id }) => data_id)).toEqual(before.data.map(({ data_id }) => data_id))
  await post(live, 'commit', { claim: after.claim, results: results(after) })
  await live.until('it is done', async () => (await live.counts('mood@1')).done === 1)
  expect(await live.topic('sentiment')).toEqual([{ mood: 'good' }])
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})

it('nothing listens for workers where no agent is attached', { timeout: 60_000 }, async () => {
  const other = PIPELINE.replace('attached()', "command('cat')").replace('{ attached }', '{ command }')
  await using live = new Live({ 'pipeline.ts': other, 'millrace.config.ts': CONFIG })
  expect(await live.millrace.ready).not.toHaveProperty('attach')
})
