import { expect, it } from 'vitest'
import type { HealthAnswer } from '../../src/console/api/health.ts'
import { Live } from '../runtime/live.ts'
import { folder, millrace } from './millrace.ts'

const PIPELINE = `
import { agent, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'
const n = z.object({ n: z.number() })
const demand = topic('demand', n, { partitions: 2 })
const prediction = topic('prediction', n, { partitions: 2 })
const dispatch = topic('dispatch', n)
const forecast = agent('forecast', { version: 1, from: demand, to: prediction }, datum => datum)
const plan = agent('plan', { version: 1, from: prediction, to: dispatch }, datum => datum)
const lake = storageAgent('lake', { version: 1, from: [demand, dispatch], to: files('./lake', { roll: { age: '200ms' } }) })
export default pipeline('kept', {
  agents: [forecast, plan, lake],
  slo: [{ from: demand, to: 'dispatch', within: '1m', share: 0.99 }, { from: demand, to: lake, within: '1m', share: 0.99 }],
  canary: '1s',
})
`
const PATH = 'demand → forecast@1 → prediction → plan@1 → dispatch'

it('says how objectives stand and canaries fare; a process that is killed with canaries on their way loses and doubles nothing', {
  timeout: 240_000,
}, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  await live.millrace.ready
  const health = async () => (await live.ask('/v1/health')) as unknown as HealthAnswer
  const isArrived = async () => (await health()).canaries.some(({ seconds }) => seconds !== null)
  const numbers = (from: number) => Array.from({ length: 50 }, (_, i) => ({ n: from + i }))
  let sent = 0
  for (let round = 0; round < 3; round++) {
    if (round > 0) await live.until('a canary has arrived', isArrived, 60_000)
    expect(await live.send('demand', numbers(sent))).toBe(202)
    sent += 50
    if (round === 2) break
    live.millrace.signal('SIGKILL')
    await live.millrace.ended
    await live.launch().ready
  }
  await live.until('all is there', async () => (await live.topic('dispatch')).length >= sent, 60_000)
  expect((await live.topic('dispatch')).map(({ n }) => n as number).sort((a, b) => a - b)).toEqual(
    Array.from({ length: sent }, (_, i) => i),
  )
  expect(await live.topic('demand')).toHaveLength(sent)

  await live.until('both objectives have data', async () => (await health()).slos.every(({ good_share }) => good_share !== null), 60_000)
  const { slos, canaries } = await health()
  expect(slos).toMatchObject([
    {
      name: 'demand → dispatch',
      to: 'dispatch',
      within_seconds: 60,
      share: 0.99,
      good_share: 1,
      burn: { hour: 0 },
      budget_left: 1,
      missed: false,
    },
    { name: 'demand → lake', to: 'lake', good_share: 1, missed: false },
  ])
  expect(slos[0]!.p99_seconds).toBeGreaterThan(0)
  expect(canaries.map(({ path }) => path)).toEqual([PATH])
  const { stdout } = await millrace(['slo', '--data', live.data])
  expect(stdout).toMatch(/demand → dispatch +60\.0 s +99 % +100 % .* kept\n/)
  expect(stdout).toMatch(new RegExp(`\n${PATH} +[\\d.]+ m?s +20`))
  expect(JSON.parse((await millrace(['slo', '--json', '--data', live.data])).stdout)).toMatchObject({
    slos: [{ from: 'demand' }, {}],
    canaries: [{ path: PATH }],
  })
  const { code, stdout: ledger } = await millrace(['ledger', '--data', live.data])
  expect(code).toBe(0)
  expect(ledger).not.toContain('_canary')
  // Nobody outside can send one, or anything else to where they go.
  expect(await live.send('_canary', [{ sent_ms: 0, path: ['demand'], line: [] }])).toBe(404)
})

it('needs a process that runs, and says how to name one', async () => {
  const { code, stderr } = await millrace(['slo', '--data', folder()])
  expect(code).toBe(5)
  expect(stderr).toMatch(/No process runs on .*: objectives are measured by a running one\./)
})
