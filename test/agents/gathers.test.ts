import { agent, join, pipeline, topic, tumbling } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { gathersFor } from '../../src/agents/gathers.ts'

const demand = topic('demand', z.object({ station: z.string() }), { key: d => d.station })
const supply = topic('supply', z.object({ station: z.string() }), { key: d => d.station })

it('what gathers for an agent is told from agents that are somebody’s own', () => {
  const hourly = agent('hourly', { version: 1, from: demand, by: d => d.station, window: tumbling('1h', { version: 3 }) }, () => undefined)
  const balance = agent(
    'balance',
    { version: 2, from: join(demand, supply, { by: d => d.station, within: '1m', version: 2 }) },
    () => undefined,
  )
  const panes = agent('panes.windows', { version: 1, from: demand }, () => undefined)
  const { agents, topics } = pipeline('grid', { agents: [hourly, balance, panes] })
  const names = new Set(topics.keys())
  for (const [id, declared] of agents)
    expect([id, gathersFor(declared, names)]).toEqual([id, declared.kind === 'agent' ? declared.partOf : undefined])
  expect([...agents.keys()].sort()).toEqual([
    'balance.pairs@2',
    'balance.sides@2',
    'balance@2',
    'hourly.windows@3',
    'hourly@1',
    'panes.windows@1',
  ])
})
