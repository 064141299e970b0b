import { expect, it } from 'vitest'
import { Live } from './live.ts'

const PIPELINE = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number(), bad: z.boolean().default(false) }), { partitions: 3 })
const result = topic('result', z.object({ n: z.number() }))
const options = { version: 1, from: work, to: result, replicas: 5, retry: { attempts: 4, backoff: '1ms' } } as const
const risky = agent('risky', options, datum => {
  if (datum.bad) process.exit(3)
  return { n: datum.n }
})
export default pipeline('replicas', { agents: [risky] })
`

it('a datum that ends the thread of one replica after the other has as many attempts as the policy says, and its neighbours are done once', {
  timeout: 120_000,
}, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  await live.millrace.ready
  const data = Array.from({ length: 30 }, (_, n) => ({ n, bad: n === 7 }))
  expect(await live.send('work', data)).toBe(202)
  await live.until(
    'all is through',
    async () => {
      const { done, dead, behind } = await live.counts('risky@1')
      return behind === 0 && done + dead === 30
    },
    90_000,
  )
  expect(await live.counts('risky@1')).toEqual({ done: 29, dead: 1, behind: 0 })
  expect((await live.topic('result')).map(value => Number(value.n)).sort((a, b) => a - b)).toEqual(
    data.filter(({ bad }) => !bad).map(({ n }) => n),
  )
  const { letters } = (await live.ask('/v1/dead')) as { letters: { attempts: number }[] }
  expect(letters).toHaveLength(1)
  // Once more where the partitions were shared out anew while a replica had it in hand.
  expect([4, 5]).toContain(letters[0]?.attempts)
  // As many as there are partitions, and all of them are back.
  await live.until('all replicas run', async () => {
    const { agents } = (await live.ask('/v1/agents')) as { agents: { replicas: { threads: number } }[] }
    return agents[0]?.replicas.threads === 3
  })
  const { agents } = (await live.ask('/v1/agents')) as { agents: { replicas: object }[] }
  expect(agents[0]?.replicas).toMatchObject({ of: 'threads', wanted: 3, threads: 3 })
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})
