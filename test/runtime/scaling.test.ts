import { expect, it } from 'vitest'
import { Project } from './project.ts'

/** Its handler holds its thread for 10 ms without taking any processor from the others. */
const PIPELINE = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number() }), { partitions: 4 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 4 })
const lock = new Int32Array(new SharedArrayBuffer(4))
const grind = agent('grind', { version: 1, from: work, to: result, replicas: { min: 1, max: 8 } }, datum => {
  Atomics.wait(lock, 0, 0, 10)
  return { n: datum.n }
})
export default pipeline('scaling', { agents: [grind] })
`

/** A load that rises to more than three replicas do, and falls to less than one; what became of it, and of the replicas, as JSON. */
const RUN = `
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from 'src:clock.ts'
import { openEmbedded } from 'src:engine/embedded/index.ts'
import { createInstruments } from 'src:instrumentation/instruments.ts'
import { loadPipeline } from 'src:runtime/load.ts'
import { Scaler } from 'src:runtime/scaler.ts'
import { Supervisor } from 'src:runtime/supervisor.ts'
import { topicSpecs } from 'src:runtime/topics.ts'
import { batch, readAll } from 'src:testing/suite-data.ts'

const file = new URL('./pipeline.ts', import.meta.url).pathname
const directory = new URL('./data', import.meta.url).pathname
const pipeline = await loadPipeline(file)
const engine = await openEmbedded({ directory, idRetentionMs: 60_000, traceRetentionMs: 60_000 })
await engine.ensure(topicSpecs(pipeline))
const instruments = createInstruments({ engine, clock: systemClock })
instruments.use(pipeline)
const said = []
const log = { info: text => said.push(text), warn: text => said.push('! ' + text), error: text => said.push('! ' + text) }
const supervisor = new Supervisor({
  directory, connect: () => ({ kind: 'embedded', directory, port: engine.connect() }), recorder: instruments, clock: systemClock,
  threadBytes: 64e6, log, fatal: error => { throw error }, report: () => undefined,
})
instruments.watch(agent => supervisor.facts(agent))
await supervisor.exchange(file, pipeline, 1_000)
const pace = { upMs: 600, downMs: 1_500, upLagMs: 200 }
const scaler = new Scaler({ ...instruments, agents: () => supervisor.agents, clock: systemClock, log, lookMs: 300, pace })

let sent = 0
const send = count => engine.append([0, 1, 2, 3].map(partition =>
  batch('work', partition, Array.from({ length: count }, () => JSON.stringify({ n: sent++ })), 'application/json')))
const threads = []
const look = () => {
  const { replicas } = supervisor.facts('grind@1')
  const running = replicas.filter(({ state }) => state === 'running').length
  if (threads.at(-1) !== running) threads.push(running)
  return running
}
const deadline = Date.now() + 150_000
const until = async (condition, eachMs) => {
  while (!(await condition()) && Date.now() < deadline) await eachMs()
}
await send(500)
await until(() => look() === 4, async () => { await send(8); await sleep(100) })
// Little goes on coming while replicas go, so that there is something in hand that could be lost or done twice.
await until(() => look() === 1 && threads.includes(4), async () => { await send(1); await sleep(150) })
const counted = async () => {
  const rows = (await engine.standings()).filter(({ group }) => group === 'grind@1')
  return rows.reduce((sum, { checkpoint }) => sum + checkpoint.done, 0)
}
await until(async () => (await counted()) === sent, () => sleep(50))
scaler.close()
const { wanted } = supervisor.facts('grind@1')
await supervisor.stop(1_000)
const results = (await Promise.all([0, 1, 2, 3].map(partition => readAll(engine, 'result', partition)))).flat().map(text => JSON.parse(text).n)
await instruments.close()
await engine.close()
console.log(JSON.stringify({ threads, wanted, said, sent, results: results.length, distinct: new Set(results).size }))
process.exit(0)
`

it('follows its load up to as many threads as there are partitions and down to one, with no datum lost or done twice', {
  timeout: 200_000,
}, async () => {
  using project = new Project({ 'pipeline.ts': PIPELINE })
  const { threads, wanted, said, sent, results, distinct } = JSON.parse(await project.run(RUN))
  const story = JSON.stringify({ threads, said })
  expect(Math.max(...threads), story).toBe(4)
  // Down one at a time.
  expect(threads.slice(threads.indexOf(4)), story).toEqual([4, 3, 2, 1])
  expect(wanted).toBe(1)
  expect({ results, distinct }, story).toEqual({ results: sent, distinct: sent })
  expect(said.at(0)).toMatch(/^grind@1 goes from 1 to \d replicas: .* data a second arrive, .* wait, and one does .* a second\.$/)
  expect(said.at(-1)).toMatch(/^grind@1 goes from 2 to 1 replicas/)
})
