import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Live } from './live.ts'

const ONE = 'mark(1, {})'
const pipeline = (...agents: readonly string[]) => `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const numbers = topic('numbers', z.object({ n: z.number() }), { key: datum => String(datum.n % 5), partitions: 2 })
const marked = topic('marked', z.object({ n: z.number(), by: z.number(), count: z.number() }), { partitions: 1 })
const mark = (version, options, waitMs = 0) => agent('mark', { version, from: numbers, to: marked, by: datum => String(datum.n % 5),
  state: { init: () => 0, update: count => count + 1 }, ...options }, async (datum, { state }) => {
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs))
    return { n: datum.n, by: version, count: state }
  })
const other = agent('other', { version: 1, from: numbers }, () => undefined)
export default pipeline('versions', { agents: [${agents.join(', ')}], topics: [numbers] })
`

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ n: from + i }))
const sorted = (values: readonly Record<string, unknown>[]) => values.map(value => Number(value.n)).sort((a, b) => a - b)
const states = async (live: Live) => {
  const { agents } = (await live.ask('/v1/agents')) as { agents: { agent: string; version: number; shadow?: boolean; state: string }[] }
  return Object.fromEntries(agents.map(({ agent, version, shadow, state }) => [`${agent}@${version}${shadow ? ' (shadow)' : ''}`, state]))
}
const post = async (live: Live, path: string, body: object) => {
  const { operators } = await live.millrace.ready
  const response = await fetch(operators + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> } // the documented answer
}

it('promotes a shadow while data flow: each is handled once, by one of the two, and state goes on', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(ONE, 'mark(2, { shadow: true })', 'other') })
  await live.millrace.ready
  let sent = 0
  let stopping = false
  const sending = (async () => {
    while (!stopping) {
      expect(await live.send('numbers', numbers(sent, 20))).toBe(202)
      sent += 20
      await sleep(5)
    }
  })()
  await live.until(
    'both pass data',
    async () => (await live.counts('_shadow.mark@2')).done > 100 && (await live.counts('mark@1')).done > 100,
  )
  expect(await states(live)).toEqual({ 'mark@1': 'running', 'mark@2 (shadow)': 'running', 'other@1': 'running' })
  const answer = await post(live, '/v1/versions/promote', { agent: 'mark@2', by: 'ann@desk' })
  expect(answer).toMatchObject({ status: 200, body: { decided: 'promote', agent: 'mark', version: 2, replaces: 1, by: 'ann@desk' } })
  await live.until('version 2 is at work', async () => (await live.counts('mark@2')).done > 300)
  stopping = true
  await sending
  await live.until('all is handled', async () => (await live.counts('mark@2')).behind === 0)

  const marked = await live.topic('marked')
  expect(sorted(marked)).toEqual(numbers(0, sent).map(({ n }) => n))
  expect(new Set(marked.map(({ by }) => by))).toEqual(new Set([1, 2]))
  for (let key = 0; key < 5; key++) {
    const counts = marked.filter(({ n }) => Number(n) % 5 === key).map(({ count }) => count)
    expect(counts).toEqual(counts.map((_, i) => i + 1))
  }
  expect(await states(live)).toEqual({ 'mark@1': 'replaced', 'mark@2': 'running', 'mark@2 (shadow)': 'promoted', 'other@1': 'running' })
  // Nobody but those that it concerns was stopped.
  for (const said of ['mark@1 has ended', 'mark@2 (shadow) has ended', 'mark@2 is at work'])
    expect(live.millrace.errors).toContain(`As was decided, ${said}.`)
  expect(live.millrace.errors).not.toContain('other@1 has ended')
  expect((await live.ask('/health/ready')).ok).toBe(true)

  // It outlives the process, with the file as it was and as the command says to change it.
  for (const file of [pipeline(ONE, 'mark(2, { shadow: true })', 'other'), pipeline('mark(2, { replaces: 1 })', 'other')]) {
    await live.millrace.stop()
    live.project.write('pipeline.ts', file)
    await live.launch().ready
    expect(await live.send('numbers', numbers(sent, 20))).toBe(202)
    sent += 20
    await live.until('they are handled', async () => (await live.topic('marked')).length === sent)
    expect(new Set((await live.topic('marked')).slice(-20).map(({ by }) => by))).toEqual(new Set([2]))
  }
})

it('decommissions an agent once it has handled what was accepted, keeps its place, and lets it go on', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline('mark(1, {}, 25)', 'other') })
  await live.millrace.ready
  expect(await live.send('numbers', numbers(0, 60))).toBe(202)
  expect(await post(live, '/v1/versions/decommission', { agent: 'mark@1' })).toMatchObject({ status: 200, body: { drains: true } })
  await live.until('it drains', async () => (await states(live))['mark@1'] === 'draining')
  expect((await post(live, '/v1/versions/decommission', { agent: 'mark@1' })).body).toMatchObject({ code: 'VERSION_REFUSED' })
  await live.until('it has ended', async () => (await states(live))['mark@1'] === 'decommissioned')
  expect(sorted(await live.topic('marked'))).toEqual(numbers(0, 60).map(({ n }) => n))

  expect(await live.send('numbers', numbers(60, 20))).toBe(202)
  await live.until('the other has them', async () => (await live.counts('other@1')).done === 80)
  expect((await live.counts('mark@1')).behind).toBe(20)
  expect((await live.ask('/v1/agents')).agents).toMatchObject([{ agent: 'mark', lag: 0, lag_seconds: 0 }, { agent: 'other' }])
  const { operators } = await live.millrace.ready
  const metrics = await (await fetch(`${operators}/metrics`)).text()
  expect(metrics).toMatch(/millrace_agents_lag_data\{agent="other"/)
  expect(metrics).not.toMatch(/millrace_agents_lag_data\{agent="mark"/)
  expect((await live.ask('/health/ready')).ok).toBe(true)

  expect(await post(live, '/v1/versions/decommission', { agent: 'mark@1', undo: true })).toMatchObject({ status: 200 })
  await live.until('it goes on', async () => (await live.counts('mark@1')).behind === 0)
  expect(sorted(await live.topic('marked'))).toEqual(numbers(0, 80).map(({ n }) => n))
  expect((await states(live))['mark@1']).toBe('running')
})

it('pauses an agent, over a restart and a kill, and lets it go on from its place', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline('mark(1, {}, 25)', 'other') })
  await live.millrace.ready
  expect(await live.send('numbers', numbers(0, 40))).toBe(202)
  await live.until('it works', async () => (await live.counts('mark@1')).done > 0)
  const answer = await post(live, '/v1/agents/pause', { agent: 'mark@1', by: 'anna' })
  expect(answer).toMatchObject({ status: 200, body: { decided: 'pause', agent: 'mark', version: 1, by: 'anna' } })
  await live.until('it is paused', () => live.millrace.errors.includes('mark@1 is paused, by anna'))
  // What was in hand was committed: its output is there for each that is done.
  const { done } = await live.counts('mark@1')
  expect(sorted(await live.topic('marked'))).toHaveLength(done)
  expect(done).toBeLessThan(40)
  const shown = async () => ((await live.ask('/v1/agents')).agents as { state: string; lag: number; diagnosis: { words: string } }[])[0]!
  expect(await shown()).toMatchObject({ state: 'paused', by: 'anna', lag: 40 - done })
  expect((await shown()).diagnosis.words).toMatch(/^paused by anna for \d+ s; \d+ data wait$/)
  expect((await live.ask('/v1/advice')).advice).toEqual([])
  expect((await live.ask('/health/ready')).ok).toBe(true)

  for (const end of ['stop', 'kill']) {
    if (end === 'stop') await live.millrace.stop()
    else {
      live.millrace.signal('SIGKILL')
      await live.millrace.ended
    }
    await live.launch().ready
    const sent = end === 'stop' ? 40 : 50
    expect(await live.send('numbers', numbers(sent, 10))).toBe(202)
    await live.until('the other has them', async () => (await live.counts('other@1')).done === sent + 10)
    expect(await live.counts('mark@1')).toMatchObject({ done, behind: sent + 10 - done })
    expect((await shown()).state).toBe('paused')
    expect((await live.ask('/health/ready')).ok).toBe(true)
  }
  expect((await post(live, '/v1/agents/pause', { agent: 'mark@1' })).body).toMatchObject({ code: 'VERSION_REFUSED' })
  expect((await post(live, '/v1/versions/decommission', { agent: 'mark@1' })).body).toMatchObject({ code: 'VERSION_REFUSED' })
  expect(await post(live, '/v1/agents/resume', { agent: 'mark@1' })).toMatchObject({ status: 200, body: { decided: 'resume' } })
  await live.until('it goes on', async () => (await live.counts('mark@1')).behind === 0)
  expect(sorted(await live.topic('marked'))).toEqual(numbers(0, 60).map(({ n }) => n))
  expect((await shown()).state).toBe('running')
})

it('decommissions what a file has not got any more, for it would alarm for ever', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(ONE, 'other') })
  await live.millrace.ready
  expect(await live.send('numbers', numbers(0, 10))).toBe(202)
  await live.until('it is handled', async () => (await live.counts('mark@1')).done === 10)
  await live.millrace.stop()
  live.project.write('pipeline.ts', pipeline('other'))
  await live.launch().ready
  expect(await live.send('numbers', numbers(10, 10))).toBe(202)
  await live.until('the other has them', async () => (await live.counts('other@1')).done === 20)
  expect((await live.ask('/v1/agents')).agents).toMatchObject([{ agent: 'mark', state: 'removed', lag: 10 }, {}])
  expect((await post(live, '/v1/versions/decommission', { agent: 'mark@1' })).body).toMatchObject({ code: 'VERSION_REFUSED' })
  await post(live, '/v1/versions/decommission', { agent: 'mark@1', now: true })
  await live.until('it has ended', async () => (await states(live))['mark@1'] === 'decommissioned')
  expect((await live.ask('/v1/agents')).agents).toMatchObject([{ agent: 'mark', lag: 0, lag_seconds: 0 }, {}])
})

it('refuses what makes no sense, in a sentence', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(ONE, 'mark(2, {})', 'mark(3, { shadow: true })', 'other') })
  await live.millrace.ready
  await live.until('all have their places', async () => Object.keys(await states(live)).length === 4)
  expect(await live.send('numbers', numbers(0, 10))).toBe(202)
  await live.until('they work', async () => (await live.counts('_shadow.mark@3')).done === 10)
  const says = async (path: string, body: object) => {
    const { status, body: problem } = await post(live, `/v1/versions/${path}`, body)
    expect(status).toBeGreaterThanOrEqual(400)
    return problem.detail
  }
  expect(await says('promote', { agent: 'mark@2' })).toContain('is no shadow')
  expect(await says('promote', { agent: 'mark@9' })).toContain('declares no mark@9')
  expect(await says('promote', { agent: 'mark@3' })).toContain('2 live versions: 1, 2.')
  expect(await says('promote', { agent: 'mark@3', replaces: 7 })).toContain('mark@7 has no place')
  expect(await says('promote', { agent: 'mark' })).toContain('names no version')
  expect(await says('promote', {})).toContain('names no agent')
  expect(await says('decommission', { agent: 'mark@9' })).toContain('No agent mark@9')
  expect(await says('decommission', { agent: 'mark@1', undo: true })).toContain('is not decommissioned')
  expect((await post(live, '/v1/versions/promote', { agent: 'mark@3', replaces: 1 })).status).toBe(200)
  expect(await says('promote', { agent: 'mark@3', replaces: 2 })).toContain('promoted already')
})

it('gives a version the share of the keys that it is told to, from one moment to the next', { timeout: 120_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': pipeline(ONE, 'mark(2, { replaces: 1, ramp: 0 })', 'other') })
  await live.millrace.ready
  const by = async () => [...new Set((await live.topic('marked')).slice(-20).map(value => value.by))]
  const handled = (count: number) => live.until(`${count} are handled`, async () => (await live.topic('marked')).length === count)
  expect(await live.send('numbers', numbers(0, 20))).toBe(202)
  await handled(20)
  expect(await by()).toEqual([1])
  expect(await post(live, '/v1/versions/ramp', { agent: 'mark@2', share: 1 })).toMatchObject({ status: 200, body: { share: 1 } })
  await live.until('it is followed', async () => {
    const { agents } = (await live.ask('/v1/agents')) as { agents: { version: number; ramp?: number }[] }
    return agents[1]?.ramp === 1
  })
  expect(await live.send('numbers', numbers(20, 20))).toBe(202)
  await handled(40)
  expect(await by()).toEqual([2])
  expect(sorted(await live.topic('marked'))).toEqual(numbers(0, 40).map(({ n }) => n))
  await live.until('all are counted', async () => (await live.counts('mark@1')).done === 40)
  expect((await live.ask('/v1/agents')).agents).toMatchObject([
    { agent: 'mark', version: 1, state: 'running' },
    { agent: 'mark', version: 2, state: 'running', ramp: 1, to: [{ name: 'marked' }] },
    { agent: 'other' },
  ])
  expect((await post(live, '/v1/versions/ramp', { agent: 'other@1', share: 0.5 })).body.code).toBe('VERSION_REFUSED')
  expect((await post(live, '/v1/versions/ramp', { agent: 'mark@2', share: 7 })).body.code).toBe('QUERY_INVALID')

  // The share outlives the process; without version 1 the other has its place.
  await live.millrace.stop()
  live.project.write('pipeline.ts', pipeline('mark(2, { replaces: 1, ramp: 0 })', 'other'))
  await live.launch().ready
  expect(await live.send('numbers', numbers(40, 20))).toBe(202)
  await handled(60)
  expect(await by()).toEqual([2])
  for (let key = 0; key < 5; key++) {
    const counts = (await live.topic('marked')).filter(({ n }) => Number(n) % 5 === key).map(({ count }) => count)
    expect(counts).toEqual(counts.map((_, i) => i + 1))
  }
})
