import { expect, test } from 'vitest'
import { AgentLogs } from '../../src/runtime/agent-logs.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

test('what is said about an agent is handed on whole and remembered without its name, the last two hundred lines of each', () => {
  const said: string[] = []
  const logs = new AgentLogs(new VirtualClock())
  const log = logs.listening({ info: text => said.push(text), warn: text => said.push(text), error: text => said.push(text) })
  log.info('nobody in particular')
  log.warn('mood@1 waits: its store is away', 'mood@1')
  for (let i = 0; i < 250; i++) log.info(`forecast@2 (shadow): line ${i}`, '_shadow.forecast@2')
  log.info(`mood@1: ${'x'.repeat(5_000)}`, 'mood@1')
  expect(said).toHaveLength(253)
  expect(logs.of('mood@1').map(({ level, text }) => [level, text.length])).toEqual([
    ['warn', 31],
    ['info', 2_001],
  ])
  expect(logs.of('_shadow.forecast@2').map(({ text }) => text)).toEqual(Array.from({ length: 200 }, (_, i) => `line ${i + 50}`))
  logs.keep(new Set(['mood@1']))
  expect(logs.of('_shadow.forecast@2')).toEqual([])
})
