/** The whole of it, for memory and idling: 1,000 keys through a window, a state with a cache, and files. */
import { agent, cache, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'
import { readings } from './ingest.ts'

const smoothed = topic('smoothed', z.object({ station: z.string(), mean: z.number() }), { key: s => s.station })
const averages = cache('averages', z.object({ station: z.string(), average: z.number() }), { key: v => v.station })

const smooth = agent('smooth', { version: 1, from: readings, to: smoothed, by: r => r.station, window: 20 }, (r, { window }) => ({
  station: r.station,
  mean: window.reduce((sum, w) => sum + w.megawatts, 0) / window.length,
}))
const average = agent(
  'average',
  {
    version: 1,
    from: readings,
    to: averages,
    by: r => r.station,
    state: { init: () => ({ count: 0, sum: 0 }), update: (s, r) => ({ count: s.count + 1, sum: s.sum + r.megawatts }) },
  },
  (r, { state }) => ({ station: r.station, average: state.sum / state.count }),
)
const lake = storageAgent('lake', { version: 1, from: [readings, smoothed], to: files(process.env.BENCH_LAKE!, { roll: { age: '5s' } }) })

export default pipeline('bench', { agents: [smooth, average, lake] })
