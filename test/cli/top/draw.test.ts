import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { cutTo, drawLook } from '../../../src/cli/top/draw.ts'
import type { AgentNode, Overview } from '../../../src/console/api/overview.ts'

const node = (more: Partial<AgentNode>): AgentNode => ({
  ...{ agent: 'forecast', version: 2, shadow: false, kind: 'agent', state: 'running', to: [], handler_seconds: { p99: 0.012 } },
  ...{ from: { demand: { lag: 3_100, lag_seconds: 7.5, per_second: 12, full: 0.25 } } },
  ...{ handled_per_second: 4_210.3, outputs_per_second: 0.05, dead_per_second: 0, busy: 0.84, in_flight: 2, in_flight_seconds: 0 },
  ...{ done: 10, dead: 1 },
  ...more,
})
const overview: Overview = {
  at: '2026-01-01T10:02:03.000Z',
  pipeline: 'grid',
  front_end: {
    ...{ accepted_per_second: 12.34, duplicate_per_second: 0, rejected_per_second: 0, retry_per_second: 0, bytes_per_second: 1_500 },
  },
  topics: { demand: { partitions: 4, entry: true, in_per_second: 4_210, retained: 26_280 } },
  agents: {
    'mood@1': node({ agent: 'mood', version: 1, diagnosis: { state: 'healthy', words: 'healthy' } }),
    'old@1': node({ agent: 'old', version: 1, state: 'replaced' }),
    'forecast@2': node({ diagnosis: { state: 'hung', words: 'hung on \x1b[2J0198 for 42 s' } }),
  },
  ...{ ready: true, reasons: [], dead_letters: 2, advice: 0, slos_missed: 0 },
}
const drawn = (columns = 200, rows = 100, more = {}) => drawLook({ overview, ...more }, { columns, rows }).map(stripVTControlCharacters)

describe('the live view', () => {
  test('has rates, lag and states, those first that are not well, and none that has ended', () => {
    const lines = drawn()
    expect(lines.slice(0, 3)).toEqual([
      'grid  ready  10:02:03 UTC',
      'accepted 12/s  duplicate 0/s  rejected 0/s  retry 0/s  1.5 kB/s',
      '2 dead letters (millrace dead groups)  0 pieces of advice  0 objectives missed',
    ])
    const agents = lines.slice(lines.findIndex(line => line.startsWith('AGENT')) + 1)
    expect(agents.map(line => line.split(/ {2,}/))).toEqual([
      ['forecast@2', 'hung', 'demand', '4,210', '0.05', '3,100', '7.5 s', '25 %', '84 %', '12 ms', '2', '1'],
      ['mood@1', 'running', 'demand', '4,210', '0.05', '3,100', '7.5 s', '25 %', '84 %', '12 ms', '2', '1'],
      [''],
      ['forecast@2: hung on \\u001b[2J0198 for 42 s'],
    ])
  })

  test('says since when nobody answers, and keeps what is known', () => {
    const away = { sinceMs: Date.UTC(2026, 0, 1, 10), reason: 'it says nothing.' }
    expect(drawn(200, 100, { away }).slice(0, 2)).toEqual([
      'No answer since 10:00:00 UTC: it says nothing. Trying again.',
      'grid  ready  10:02:03 UTC',
    ])
  })

  test('stays within its window, and says what it leaves out', () => {
    const lines = drawn(30, 6)
    expect(lines.length).toBe(6)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(30)
    expect(lines.at(-1)).toMatch(/^… and \d+ lines more/)
  })

  test('cuts what is seen of a line, and not its colours', () => {
    expect(cutTo('a\x1b[31mbc\x1b[39md', 2)).toBe('a\x1b[31mb\x1b[39m')
  })
})
