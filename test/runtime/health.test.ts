import { expect, test } from 'vitest'
import { createHealth } from '../../src/instrumentation/health.ts'
import { reportAgents } from '../../src/runtime/health.ts'
import type { AgentStatus } from '../../src/runtime/state.ts'

function scene() {
  const health = createHealth(['agent mood@1'])
  const said: string[] = []
  const report = reportAgents(health, { info() {}, warn: text => said.push(text), error() {} })
  return {
    said,
    part: () => health.ready().parts[0],
    say: (replica: number, state: AgentStatus['state'], more: Partial<AgentStatus> = {}) =>
      report({ agent: 'mood@1', replica, state, restarts: 0, ...more }),
  }
}
const died = { restarts: 2, lastError: 'out of memory' }

test('an agent is up when its replica runs, and down with the reason when its thread has ended', () => {
  const { say, part, said } = scene()
  expect(part()).toMatchObject({ ok: false, reason: 'starting' })
  say(0, 'running')
  expect(part()).toEqual({ part: 'agent mood@1', ok: true })
  say(0, 'waiting', died)
  expect(part()).toMatchObject({ ok: false, reason: 'started anew 2 times, the last time for: out of memory' })
  say(0, 'loading', died)
  expect(part()).toMatchObject({ ok: false })
  say(0, 'running', died)
  expect(part()).toMatchObject({ ok: true })
  expect(said).toEqual(['mood@1 ended and is started anew: out of memory'])
})

test('of several replicas one that runs is enough, and that another was started anew is to be known', () => {
  const { say, part } = scene()
  say(0, 'running')
  say(1, 'running')
  say(1, 'waiting', died)
  expect(part()).toMatchObject({ ok: true, reason: expect.stringMatching(/^1 of 2 replicas run; .*out of memory$/) })
  say(0, 'waiting', died)
  expect(part()).toMatchObject({ ok: false })
})

test('an agent whose data wait is down, and it is said once, however many replicas wait for the same', () => {
  const { say, part, said } = scene()
  for (const replica of [0, 1]) say(replica, 'running', { held: 'The store is away.' })
  expect(part()).toMatchObject({ ok: false, reason: 'waits: The store is away.' })
  expect(said).toEqual(['mood@1 waits: The store is away.'])
  for (const replica of [0, 1]) say(replica, 'running')
  expect(part()).toMatchObject({ ok: true })
})

test('one replica that stops leaves the others; the last one takes the agent out', () => {
  const { say, part } = scene()
  say(0, 'running')
  say(1, 'running')
  say(1, 'stopped')
  expect(part()).toMatchObject({ ok: true })
  say(0, 'stopped')
  expect(part()).toBeUndefined()
})
