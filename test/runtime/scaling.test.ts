import { expect, it } from 'vitest'
import { Project } from './project.ts'

const TOPICS = `
import { agent, pipeline, remoteAgent, topic } from 'millrace'
import { command } from 'millrace/remote'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number() }), { partitions: 4 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 4 })
`
/** Its handler holds its thread for 10 ms without taking any processor from the others. */
const OF_THREADS = `${TOPICS}
const lock = new Int32Array(new SharedArrayBuffer(4))
const grind = agent('grind', { version: 1, from: work, to: result, replicas: { min: 1, max: 8 } }, datum => {
  Atomics.wait(lock, 0, 0, 10)
  return { n: datum.n }
})
export default pipeline('scaling', { agents: [grind] })
`
const OF_PROGRAMS = `${TOPICS}
const run = command([process.execPath, new URL('./grind.mjs', import.meta.url).pathname], { replicas: { min: 1, max: 3 } })
export default pipeline('scaling', { agents: [remoteAgent('grind', { version: 1, from: work, to: result, run })] })
`
/** A program of docs/protocol.md that takes 10 ms for a datum. */
const PROGRAM = `
import { createInterface } from 'node:readline'
const lock = new Int32Array(new SharedArrayBuffer(4))
const say = message => process.stdout.write(JSON.stringify(message) + '\\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { type, data } = JSON.parse(line)
  if (type === 'hello') say({ type: 'hello', protocol: 1, name: 'grind' })
  if (type === 'ping') say({ type: 'pong' })
  if (type === 'drain') process.exit(0)
  for (const item of type === 'batch' ? data : []) {
    Atomics.wait(lock, 0, 0, 10)
    say({ type: 'results', results: [{ n: item.n, outputs: [{ n: item.data.n }] }] })
  }
}
`

/** A load that rises to more than there may be replicas for, and falls to less than one’s; what became of it, and of the replicas, as JSON. */
const RUN = `
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from 'src:clock.ts'
import { openEmbedded } from 'src:engine/embedded/index.ts'
import { createInstruments } from 'src:instrumentation/instruments.ts'
import { loadPipeline } from 'src:runtime/load.ts'
import { Desks } from 'src:runtime/attach/desks.ts'
import { Scaler } from 'src:runtime/scaler.ts'
import { Supervisor } from 'src:runtime/supervisor.ts'
import { topicSpecs } from 'src:runtime/topics.ts'
import { batch, readAll } from 'src:testing/suite-data.ts'
import { UNDECIDED } from 'src:versions/fold.ts'

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
  threadBytes: 64e6, versions: () => UNDECIDED, desks: new Desks(), log, fatal: error => { throw error }, report: () => undefined,
})
instruments.watch(agent => supervisor.facts(agent))
await supervisor.exchange(file, pipeline, 1_000)
const pace = { upMs: 600, downMs: 1_500, upLagMs: 200 }
const scaler = new Scaler({ ...instruments, agents: () => supervisor.agents, clock: systemClock, log, lookMs: 300, pace })

let sent = 0
const send = count => engine.append([0, 1, 2, 3].map(partition =>
  batch('work', partition, Array.from({ length: count }, () => JSON.stringify({ n: sent++ })), 'application/json')))
const counts = []
const look = () => {
  const { replicas, ofPrograms, wanted } = supervisor.facts('grind@1')
  const running = ofPrograms ? wanted : replicas.filter(({ state }) => state === 'running').length
  if (counts.at(-1) !== running) counts.push(running)
  return running
}
const deadline = Date.now() + 150_000
const until = async (condition, eachMs) => {
  while (!(await condition()) && Date.now() < deadline) await eachMs()
}
await send(500)
const most = Number(process.env.MOST)
await until(() => look() === most, async () => { await send(8); await sleep(100) })
// Little goes on coming while replicas go, so that there is something in hand that could be lost or done twice.
await until(() => look() === 1 && counts.includes(most), async () => { await send(1); await sleep(150) })
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
console.log(JSON.stringify({ counts, wanted, said, sent, results: results.length, distinct: new Set(results).size }))
process.exit(0)
`

it.each([
  ['threads, as many as there are partitions,', OF_THREADS, 4, 'replicas'],
  ['programs, as many as there may be,', OF_PROGRAMS, 3, 'programs'],
])(
  'an agent follows its load up to %s and down to one, with no datum lost or done twice',
  {
    timeout: 200_000,
  },
  async (_, source, most, what) => {
    using project = new Project({ 'pipeline.ts': source, 'grind.mjs': PROGRAM })
    const { counts, wanted, said, sent, results, distinct } = JSON.parse(await project.run(RUN.replace('process.env.MOST', String(most))))
    const story = JSON.stringify({ counts, said })
    expect(Math.max(...counts), story).toBe(most)
    // Down one at a time.
    expect(counts.slice(counts.indexOf(most)), story).toEqual(Array.from({ length: most }, (_, n) => most - n))
    expect(wanted).toBe(1)
    expect({ results, distinct }, story).toEqual({ results: sent, distinct: sent })
    const steps = said.filter((text: string) => text.includes(' goes from '))
    expect(steps.at(0)).toMatch(
      new RegExp(`^grind@1 goes from 1 to \\d ${what}: .* data a second arrive, .* wait, and one does .* a second\\.$`),
    )
    expect(steps.at(-1)).toMatch(/^grind@1 goes from 2 to 1 /)
  },
)
