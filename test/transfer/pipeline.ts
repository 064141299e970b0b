import { agent, bytes, pipeline, topic } from 'millrace'
import { z } from 'zod'

const reading = z.object({ station: z.string(), n: z.number(), tags: z.array(z.string()).optional(), data: z.string().optional() })

/** What transfers are tested with: a keyed topic, frames of bytes, and what an agent derives. */
export const readings = topic('readings', reading, { key: datum => datum.station, partitions: 3 })
export const frames = topic('frames', bytes(), { partitions: 2 })
const doubles = topic('doubles', z.object({ n: z.number() }))
const double = agent('double', { version: 1, from: readings, to: doubles }, datum => ({ n: datum.n * 2 }))

export default pipeline('transfers', { agents: [double], topics: [frames] })
