import { agent, cache, out, pipeline, topic } from 'millrace'
import { z } from 'zod'

const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })
const alert = topic('alert', z.object({ station: z.string(), level: z.enum(['warn', 'page']) }))
const avg = cache('avg', z.object({ station: z.string(), mean: z.number() }), { key: v => v.station })
export const a = agent('a', { version: 1, from: demand, to: alert }, d => ({ station: d.station, level: 'warn' }))
export const a2 = agent('a2', { version: 1, from: demand, to: alert }, async d =>
  d.megawatts > 1 ? { station: d.station, level: 'warn' } : undefined,
)
export const a3 = agent('a3', { version: 1, from: demand, to: alert }, d => [{ station: d.station, level: 'warn' }])
export const a4 = agent('a4', { version: 1, from: demand, to: alert }, async function* (d) {
  yield { station: d.station, level: 'warn' as const }
})
// @ts-expect-error level
export const b = agent('b', { version: 1, from: demand, to: alert }, d => ({ station: d.station, level: 'war' }))
export const w = agent('w', { version: 1, from: demand, to: alert, by: d => d.station, window: 20 }, (d, { window }) => ({
  station: window[0]!.station,
  level: window.length > 3 ? 'warn' : 'page',
}))
export const s = agent(
  's',
  {
    version: 1,
    from: demand,
    to: avg,
    by: d => d.station,
    state: { init: () => ({ n: 0, sum: 0 }), update: (s, d) => ({ n: s.n + 1, sum: s.sum + d.megawatts }) },
  },
  (d, { state }) => ({ station: d.station, mean: state.sum / state.n }),
)
export const m = agent('m', { version: 1, from: [demand, alert], to: [alert, avg] }, d =>
  'level' in d ? out(alert, { station: d.station, level: d.level }) : [out(avg, { station: d.station, mean: d.megawatts })],
)
export const n = agent('n', { version: 1, from: demand }, d => {
  d.megawatts.toFixed()
})
export const c = agent('c', { version: 1, from: demand, to: alert }, d => ({ station: d.megawatts, level: 'warn' }))
export const p = pipeline('p', { agents: [a, m] })
