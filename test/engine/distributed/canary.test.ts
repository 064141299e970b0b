import { agent, bytes, pipeline, topic } from 'millrace'
import { expect, it, onTestFinished } from 'vitest'
import { sendCanaries } from '../../../src/agents/canary/sender.ts'
import { runAgent } from '../../../src/agents/runner.ts'
import { systemClock } from '../../../src/clock.ts'
import { CanaryLog } from '../../../src/instrumentation/canaries.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { CANARY_TOPIC, canaryRoutes } from '../../../src/objectives/canary.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { Scene } from './scene.ts'

const demand = topic('demand', bytes(), { partitions: 3 })
const prediction = topic('prediction', bytes())
const dispatch = topic('dispatch', bytes())
const forecast = agent('forecast', { version: 1, from: demand, to: prediction }, datum => datum)
const plan = agent('plan', { version: 1, from: prediction, to: dispatch }, datum => datum)
const grid = pipeline('grid', { agents: [forecast, plan], canary: '1s' })

it('canaries pass from process to process, and a third one that only looks sees them arrive', { timeout: 60_000 }, async () => {
  const scene = new Scene()
  const [one, other, looking] = [scene.engine(), scene.engine(), scene.engine()]
  await one.ensure([...[demand, prediction, dispatch].map(({ spec }) => spec), CANARY_TOPIC.spec])
  const routes = canaryRoutes(grid)
  const start = (declared: typeof forecast, engine = one) => {
    const running = runAgent(declared, { engine, clock: systemClock, recorder: silentRecorder, routes })
    onTestFinished(() => running.crash())
    return running
  }
  start(forecast)
  // Two members of one group: one of them has the canaries’ partition, and data are the other's, too.
  start(forecast, other)
  const first = start(plan, other)
  const errors: unknown[] = []
  onTestFinished(sendCanaries({ stream: one, pipeline: () => grid, clock: systemClock, onError: error => errors.push(error) }))
  const log = new CanaryLog(looking)
  log.use(grid, Date.now())
  const arrived = async (after: number) =>
    eventually('a canary has arrived', async () => {
      await log.note()
      const [reading] = log.read(Date.now())
      return reading?.lastMs !== undefined && reading.lastMs > after ? reading : undefined
    })
  expect((await arrived(0)).path).toBe('demand → forecast@1 → prediction → plan@1 → dispatch')
  // One that is killed with canaries in its hands: the next owner goes on with them.
  const killedMs = Date.now()
  await first.crash()
  start(plan, one)
  expect((await arrived(killedMs)).overdue).toBe(false)
  expect((await looking.bounds('dispatch')).reduce((sum, { next }) => sum + next, 0)).toBe(0)
  expect(await looking.letters.list({ limit: 1 })).toEqual([])
  expect(errors).toEqual([])
})
