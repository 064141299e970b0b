import { expect, it } from 'vitest'
import { drawAgents } from '../../src/cli/draw-agents.ts'
import type { AgentsAnswer } from '../../src/cli/overview.ts'

const forecast: AgentsAnswer['agents'][number] = {
  agent: 'forecast',
  version: 2,
  state: 'running',
  diagnosis: { state: 'healthy', words: 'healthy' },
  replicas: { of: 'threads', wanted: 2, threads: 1 },
  from: ['demand'],
  ...{ done: 1_200, dead: 3, lag: 40, lag_seconds: 1.5, handled_per_second: 99.6, dead_per_second: 0.25, retries_per_second: 0.5 },
  handler_seconds: { p50: 0.002, p99: null },
  busy: 0.84,
  letters_expired: 0,
}

it('tells a shadow, and a version on a share of the keys, from the others of their name', () => {
  const lines = drawAgents([forecast, { ...forecast, shadow: true }, { ...forecast, version: 3, ramp: 0.125 }]).split('\n')
  expect(lines[1]).toMatch(/^forecast@2 +running +demand +1,?200 +3 +40 +1\.5 s +100 +0\.8 +2 ms +84 % +1 of 2/)
  expect(lines[2]).toMatch(/^forecast@2 \(shadow\) +running /)
  expect(lines[3]).toMatch(/^forecast@3 +running, 12\.5 % of the keys /)
})

it('says in a line of its own how one is that is not well, and where its thread stands', () => {
  const words = 'hung on 0198f3c2 for 42 s, in predict (model.ts:7)'
  const drawn = drawAgents([{ ...forecast, diagnosis: { state: 'hung', words, stack: 'at predict (model.ts:7)' } }])
  expect(drawn.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^forecast@2 +hung /),
    `forecast@2: ${words}`,
    'at predict (model.ts:7)',
  ])
})
