import { agent, join, pipeline, topic, tumbling } from 'millrace'
import { z } from 'zod'
import { readings } from './pipeline.ts'

/** What is killed: windows of time, and a join of a topic with another that is made of it. */
export const WINDOW_MS = 100
export const LATENESS_MS = 30
export const WITHIN_MS = 60_000

export const windows = topic('windows', z.object({ key: z.string(), startMs: z.number(), endMs: z.number(), of: z.array(z.number()) }))
export const late = topic('late', readings.schema, { partitions: 1 })
export const evens = topic('evens', z.object({ n: z.number() }))
export const pairs = topic('pairs', z.object({ of: z.array(z.number()) }))

const windowed = agent(
  'windowed',
  {
    ...{ version: 1, from: readings, to: windows, by: (datum: { station: string }) => datum.station },
    window: tumbling(WINDOW_MS, { lateness: LATENESS_MS, late }),
  },
  ({ data, ...window }) => ({ ...window, of: data.map(({ n }) => n) }),
)

const even = agent('even', { version: 1, from: readings, to: evens }, ({ n }) => (n % 2 === 0 ? { n } : undefined))

const paired = agent(
  'paired',
  { version: 1, from: join(readings, evens, { by: datum => String(datum.n), within: WITHIN_MS, lateness: WITHIN_MS }), to: pairs },
  ({ left, right }) => ({ of: [left.n, right.n] }),
)

export default pipeline('faults', { agents: [windowed, even, paired] })
