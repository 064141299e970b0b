import { agent, cache, out, pipeline, storageAgent, topic } from 'millrace'
import { postgres } from 'millrace/storage/postgres'
import { s3 } from 'millrace/storage/s3'
import { z } from 'zod'

/**
 * What the fault tests of the distributed engine run. But for the guesses every value that it writes can be computed again from the
 * log; of a guess it can be seen whether two runs were mixed. Where to store is in the environment.
 */
const station = z.string()
const keyed = { key: (datum: { station: string }) => datum.station, partitions: 2 }

const readings = topic('readings', z.object({ station, n: z.number(), value: z.number() }), keyed)
const totals = topic('totals', z.object({ station, count: z.number(), sum: z.number() }), keyed)
const means = topic('means', z.object({ station, of: z.array(z.number()) }), { partitions: 3 })
const echoes = topic('echoes', z.object({ n: z.number() }), { partitions: 2 })
const guesses = topic('guesses', z.object({ n: z.number(), run: z.string(), index: z.number(), of: z.number() }), { partitions: 2 })
const verdicts = topic('verdicts', z.object({ n: z.number() }), { partitions: 2 })
const latest = cache('latest-totals', z.object({ station, count: z.number(), sum: z.number() }), { key: value => value.station })

const total = agent(
  'total',
  {
    version: 1,
    from: readings,
    to: [totals, latest],
    by: datum => datum.station,
    state: {
      init: () => ({ count: 0, sum: 0 }),
      update: (state, datum) => ({ count: state.count + 1, sum: state.sum + datum.value }),
    },
  },
  (datum, { state }) => [out(totals, { station: datum.station, ...state }), out(latest, { station: datum.station, ...state })],
)

const mean = agent('mean', { version: 1, from: readings, to: means, by: datum => datum.station, window: 3 }, (datum, { window }) => ({
  station: datum.station,
  of: window.map(held => held.n),
}))

/** Has many in hand: what is claimed when the process dies is more than one batch in order. */
const echo = agent('echo', { version: 1, from: readings, to: echoes, concurrency: 8 }, async datum => {
  await new Promise(resolve => setImmediate(resolve))
  return { n: datum.n }
})

/** Each run of a datum gives other outputs, and another number of them. */
const guess = agent('guess', { version: 1, from: readings, to: guesses, journal: true }, datum => {
  const run = Math.random().toString(36)
  const of = 1 + Math.floor(Math.random() * 2)
  return Array.from({ length: of }, (_, index) => ({ n: datum.n, run, index, of }))
})

/** Refuses some data for good, and holds back what follows them until they are dead letters. */
const judge = agent(
  'judge',
  { version: 1, from: readings, to: verdicts, by: datum => datum.station, retry: { attempts: 2, backoff: '5ms' } },
  datum => {
    if (isCondemned(datum.value)) throw new RangeError(`${datum.value} is not to be had`)
    return { n: datum.n }
  },
)

/** Whether the judge refuses a reading of this value. */
export function isCondemned(value: number): boolean {
  return value % 40 === 7
}

const { FAULT_POSTGRES, FAULT_SCHEMA = 'public', FAULT_S3, FAULT_BUCKET = 'faults', FAULT_STAGING } = process.env
const roll = { records: 500, age: '400ms' } as const

const rows = storageAgent('rows', { version: 1, from: [readings, totals], to: postgres(FAULT_POSTGRES, { schema: FAULT_SCHEMA, roll }) })

const lake = storageAgent('lake', {
  version: 1,
  from: [readings, guesses],
  to: s3({
    bucket: FAULT_BUCKET,
    compression: 'gzip',
    roll,
    ...(FAULT_S3 === undefined ? {} : { endpoint: FAULT_S3 }),
    ...(FAULT_STAGING === undefined ? {} : { staging: FAULT_STAGING }),
  }),
})

export default pipeline('faults', { agents: [total, mean, echo, guess, judge, rows, lake] })
