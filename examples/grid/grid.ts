/** A power grid: generating stations and demand stations push readings; the pipeline averages, forecasts, dispatches and stores them. */
import { agent, cache, out, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { z } from 'zod'
import { forecastNext, model } from './model.ts'

const reading = z.object({
  station: z.string().min(1).max(64),
  /** The hour that was metered, such as `2017-01-01T00:00`. */
  at: z.string(),
  megawatts: z.number(),
})

export const generation = topic('generation', reading, { key: r => r.station })
export const demand = topic('demand', reading, { key: r => r.station })
/** The demand expected in the hour after `after`, by which version of the model. */
export const prediction = topic(
  'demand-prediction',
  z.object({ station: z.string(), after: z.string(), megawatts: z.number(), model: z.number().int() }),
  { key: p => p.station },
)
/** What a generating station is told. */
export const dispatch = topic('dispatch', z.object({ generator: z.string(), for: z.string(), after: z.string(), megawatts: z.number() }), {
  key: m => m.generator,
})

const averages = cache(
  'station-averages',
  z.object({ station: z.string(), average: z.number(), readings: z.number(), latest: z.number() }),
  { key: v => v.station },
)
const comparison = cache(
  'demand-against-prediction',
  z.object({ station: z.string(), at: z.string(), megawatts: z.number(), predicted: z.number().nullable() }),
  { key: v => v.station },
)

/** The running average of each generating station, for the heatmap. */
export const average = agent(
  'average',
  {
    version: 1,
    from: generation,
    to: averages,
    by: r => r.station,
    state: { init: () => ({ count: 0, sum: 0 }), update: (s, r) => ({ count: s.count + 1, sum: s.sum + r.megawatts }) },
  },
  (r, { state }) => ({ station: r.station, average: state.sum / state.count, readings: state.count, latest: r.megawatts }),
)

/** The next hour's demand of a station from its last 20; and how the last forecast did. */
export const forecast = agent(
  'forecast',
  { version: 1, from: demand, to: [prediction, comparison], by: r => r.station, window: 20 },
  (r, { window }) => {
    const next = forecastNext(window)
    const expected = forecastNext(window.slice(0, -1))
    const compared = out(comparison, { station: r.station, at: r.at, megawatts: r.megawatts, predicted: expected ?? null })
    return next === undefined
      ? compared
      : [compared, out(prediction, { station: r.station, after: r.at, megawatts: next, model: model.version })]
  },
)

const GENERATORS = 500

/** Tells a generating station what is expected of it: each demand station is fed by one generator. */
export const dispatcher = agent('dispatch', { version: 1, from: prediction, to: dispatch }, p => ({
  generator: `g-${String(feeder(p.station)).padStart(3, '0')}`,
  for: p.station,
  after: p.after,
  megawatts: Math.max(0, p.megawatts),
}))

function feeder(station: string): number {
  let sum = 0
  for (const character of station) sum = (sum * 31 + character.charCodeAt(0)) % GENERATORS
  return sum
}

/** Everything that happened, in files. */
export const lake = storageAgent('lake', {
  version: 1,
  from: [generation, demand, prediction, dispatch],
  to: files('./lake', { format: 'parquet', record: 'plain', interval: '1h', roll: { records: 50_000, bytes: '32MB', age: '30s' } }),
})

export default pipeline('grid', {
  agents: [average, forecast, dispatcher, lake],
  // Of what the demand stations report 99 of 100 are to be forecast within two seconds; canaries try every path, also when nothing is reported.
  slo: { from: demand, to: prediction, within: '2s', share: 0.99 },
  canary: '10s',
})
