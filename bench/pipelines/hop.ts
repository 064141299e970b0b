/** One agent hop: read, claim, a handler with a window, a derived output, done, offset. */
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
import { readings } from './ingest.ts'

const smoothed = topic('smoothed', z.object({ station: z.string(), at: z.string(), mean: z.number() }), { key: s => s.station })

/** The hop's agent, and another version of it beside it. */
export const smooth = (version: number, shadow = false) =>
  agent('smooth', { version, shadow, from: readings, to: smoothed, by: r => r.station, window: 20 }, (r, { window }) => {
    let sum = 0
    for (const w of window) sum += w.megawatts
    return { station: r.station, at: r.at, mean: sum / window.length }
  })

export default pipeline('bench', { agents: [smooth(1)] })
