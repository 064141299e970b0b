import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { drawAgent } from '../../src/cli/draw-agent.ts'

test('an agent is drawn with what it has in hand, its failures and its log, and nothing in them moves the cursor', () => {
  const at = '2026-01-01T00:00:00.000Z'
  const version = {
    ...{
      group: 'mood@1',
      agent: 'mood',
      version: 1,
      shadow: false,
      kind: 'agent' as const,
      state: 'running' as const,
      to: [],
      replaces: null,
    },
    diagnosis: { state: 'behind' as const, words: 'behind: 12 data wait' },
    from: { feedback: { lag: 12, lag_seconds: 61, per_second: 3, full: 0.1 } },
    ...{
      handled_per_second: 3,
      outputs_per_second: 3,
      dead_per_second: 0,
      busy: 0.5,
      in_flight: 2,
      in_flight_seconds: 4,
      done: 90,
      dead: 1,
    },
    handler_seconds: { p50: 0.02 },
    in_hand: [{ replica: 0, count: 2, since: at }],
    errors: [{ at, letter: 7, data_id: 'id', message: 'no such mood\nat line 2' }],
    log: [{ at, level: 'info' as const, text: 'loaded\u001b[2J' }],
    actions: ['pause' as const, 'decommission' as const],
  }
  const drawn = stripVTControlCharacters(drawAgent({ agent: 'mood', versions: [version] }, Date.parse(at) + 4_000))
  expect(drawn).toMatch(/mood@1 +running +90 +1 +12 +3 +20 ms +50 % +pause, decommission/)
  expect(drawn).toContain('  behind: 12 data wait\n  replica 0 has 2 in hand, the oldest for 4.0 s\n')
  expect(drawn).toContain(`    ${at}  letter 7, id: no such mood\n`)
  expect(drawn).toContain(`    ${at}  loaded\\u001b[2J`)
})
