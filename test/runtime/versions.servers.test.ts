import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openDistributed } from '../../src/runtime/distributed.ts'
import { millrace as run } from '../cli/millrace.ts'
import { until } from '../faults/harness.ts'
import { readLog } from '../faults/log.ts'
import { Millrace } from '../faults/millrace.ts'
import { servers } from '../servers/shared.ts'
import { Project } from './project.ts'

const PIPELINE = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const numbers = topic('numbers', z.object({ n: z.number() }), { key: datum => String(datum.n % 10), partitions: 4 })
const marked = topic('marked', z.object({ n: z.number(), by: z.number(), count: z.number() }), { partitions: 2 })
const mark = (version, options) => agent('mark', { version, from: numbers, to: marked, by: datum => String(datum.n % 10),
  state: { init: () => 0, update: count => count + 1 }, ...options }, (datum, { state }) => ({ n: datum.n, by: version, count: state }))
export default pipeline('versions', { agents: [mark(1, {}), mark(2, { shadow: true })] })
`
const READY_MS = 120_000
const WITHIN_MS = 60_000

it('a shadow is compared and promoted from the command line, and every process follows: one killed meanwhile loses and doubles nothing', {
  timeout: 600_000,
}, async () => {
  const prefix = `v${randomBytes(5).toString('hex')}`
  const { kafka, redis } = servers()
  const [stream, trace] = [`kafka://${kafka}?prefix=${prefix}.`, `${redis}?prefix=${prefix}:`]
  using project = new Project({ 'pipeline.ts': PIPELINE })
  const shared = ['--stream', stream, '--trace', trace]
  const start = (name: string, role: string) =>
    new Millrace({
      ...{ name, file: 'pipeline.ts', data: join(project.folder, name), cwd: project.folder, readyMs: READY_MS },
      args: ['start', '--role', role, ...shared],
    })
  const command = async (...args: readonly string[]) => {
    const ran = await run([...args, ...shared, '--pipeline', 'versions', '--json'], { cwd: project.folder })
    return { code: ran.code, answer: JSON.parse(ran.stdout || 'null'), said: ran.stderr }
  }
  await using first = start('first', 'all')
  await using second = start('second', 'agents')
  const { listen } = await first.ready
  await second.ready
  const view = await openDistributed(
    { stream: { url: stream }, trace: { url: trace } },
    { pipeline: 'versions', clock: systemClock, held: () => undefined, warn: () => undefined },
  )
  try {
    let sent = 0
    let stopping = false
    const sending = (async () => {
      while (!stopping) {
        const lines = Array.from({ length: 20 }, (_, i) => JSON.stringify({ n: sent + i }))
        const init = { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: lines.join('\n') }
        expect((await fetch(`${listen}/v1/topics/numbers/batch`, init)).status).toBe(202)
        sent += 20
        await sleep(50)
      }
    })()
    const done = async (group: string) =>
      (await view.standings()).reduce((sum, row) => (row.group === group ? sum + row.checkpoint.done : sum), 0)
    await until('both have work', WITHIN_MS, async () => (await done('mark@1')) > 100 && (await done('_shadow.mark@2')) > 100)
    const { answer: compared } = await command('compare', 'mark@1', 'mark@2')
    expect(compared).toMatchObject({
      versions: [
        { agent: 'mark@1', shadow: false },
        { agent: 'mark@2', shadow: true },
      ],
    })
    const [marks] = compared.topics
    expect(marks).toMatchObject({ topic: 'marked', pairs: compared.handled, equal: 0, only_first: 0, only_second: 0 })
    expect(marks.fields).toContainEqual({ field: 'by', numbers: marks.pairs, mean: 1, max: 1, bias: 1, different: 0 })
    expect(marks.fields).toContainEqual({ field: 'count', numbers: marks.pairs, mean: 0, max: 0, bias: 0, different: 0 })

    const promoted = await command('promote', 'mark@2', '--yes')
    expect(promoted, promoted.said).toMatchObject({ code: 0, answer: { decided: 'promote', agent: 'mark', version: 2, replaces: 1 } })
    await sleep(500)
    second.signal('SIGKILL')
    await until('version 2 has work', WITHIN_MS, async () => (await done('mark@2')) > sent / 2)
    stopping = true
    await sending
    await until('all is handled', WITHIN_MS, async () => {
      const rows = (await view.standings()).filter(row => row.group === 'mark@2')
      return rows.length > 0 && rows.every(row => row.checkpoint.offset === row.next)
    })
    // Of a datum that two have worked on there are two outputs with one id: whoever reads them takes the first.
    const outputs = new Map<string, Record<string, unknown>>()
    for (const { id, value } of await readLog(view, 'marked')) if (!outputs.has(id)) outputs.set(id, value)
    expect([...outputs.values()].map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, n) => n))
    const { answer } = await command('agents')
    expect(answer.agents).toMatchObject([
      { agent: 'mark', version: 1, state: 'replaced' },
      { agent: 'mark', version: 2, lag: 0 },
      { agent: 'mark', version: 2, shadow: true, state: 'promoted', lag: 0 },
    ])
    expect(await command('promote', 'mark@2', '--yes')).toMatchObject({ code: 1, said: expect.stringContaining('promoted already') })

    // The process that was killed is gone; the other one follows what is decided from anywhere.
    expect(await command('pause', 'mark@2')).toMatchObject({ code: 0, answer: { decided: 'pause', agent: 'mark', version: 2 } })
    await until('it is paused', WITHIN_MS, () => first.errors.includes('mark@2 is paused'))
    const init = { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: JSON.stringify({ n: sent }) }
    expect((await fetch(`${listen}/v1/topics/numbers/batch`, init)).status).toBe(202)
    const lagOf = async () => (await command('agents')).answer.agents[1]
    await until('it waits', WITHIN_MS, async () => (await lagOf()).lag === 1)
    expect(await lagOf()).toMatchObject({ agent: 'mark', version: 2, state: 'paused' })
    expect(await command('decommission', 'mark@2', '--yes')).toMatchObject({ code: 1, said: expect.stringContaining('is paused') })
    expect(await command('resume', 'mark@2')).toMatchObject({ code: 0, answer: { decided: 'resume' } })
    await until('it goes on', WITHIN_MS, async () => (await lagOf()).lag === 0)

    expect(await command('decommission', 'mark@2', '--yes')).toMatchObject({ code: 0, answer: { drains: true } })
    await until('it has ended', WITHIN_MS, async () => (await command('agents')).answer.agents[1].state === 'decommissioned')
  } finally {
    await view.close()
  }
})
