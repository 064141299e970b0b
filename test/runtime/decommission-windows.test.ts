import { expect, it } from 'vitest'
import { Live } from './live.ts'

const PIPELINE = `
import { agent, pipeline, topic, tumbling } from 'millrace'
import { z } from 'zod'
const numbers = topic('numbers', z.object({ n: z.number() }), { partitions: 1 })
const sums = topic('sums', z.object({ count: z.number() }), { partitions: 1 })
const sum = agent('sum', { version: 1, from: numbers, to: sums, by: () => 'all', window: tumbling('100ms', { lateness: 0 }) },
  window => ({ count: window.data.length }))
const other = agent('other', { version: 1, from: numbers }, () => undefined)
export default pipeline('windows', { agents: [sum, other], topics: [numbers] })
`

it('decommissions an agent with windows together with what gathers them, and lets both go on', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  const { operators } = await live.millrace.ready
  const decommission = async (body: object) => {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await fetch(`${operators}/v1/versions/decommission`, request)).status
  }
  const agents = async () => {
    const { agents } = (await live.ask('/v1/agents')) as { agents: { agent: string; state: string; lag: number }[] } // the documented answer
    return Object.fromEntries(agents.map(({ agent, state, lag }) => [agent, `${state}, ${lag}`]))
  }
  // Each closes the windows before it.
  let sent = 0
  const send = async () => expect(await live.send('numbers', [{ n: sent++ }])).toBe(202)
  await live.until('windows close', async () => {
    await send()
    return (await live.counts('sum@1')).done > 0
  })
  expect(await decommission({ agent: 'sum.windows@1', now: true })).toBe(409)
  expect(await decommission({ agent: 'sum@1' })).toBe(200)
  await live.until('both have ended', async () => {
    const { sum, ...now } = await agents()
    return sum === 'decommissioned, 0' && now['sum.windows'] === 'decommissioned, 0'
  })
  const { done } = await live.counts('sum.windows@1')
  expect((await live.counts('sum@1')).behind).toBe(0)
  const before = sent
  await send()
  await live.until('the other has it', async () => (await live.counts('other@1')).done === sent)
  // It waits for nobody, and nobody alarms.
  await live.until('they are as they were', async () => (await agents()).other === 'running, 0')
  expect(await agents()).toMatchObject({ 'sum.windows': 'decommissioned, 0' })
  expect(await live.counts('sum.windows@1')).toMatchObject({ done, behind: sent - before })

  expect(await decommission({ agent: 'sum@1', undo: true })).toBe(200)
  await live.until('it goes on', async () => {
    await send()
    return (await live.counts('sum.windows@1')).done === sent && (await agents()).sum === 'running, 0'
  })
})
