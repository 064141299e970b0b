import { fileURLToPath } from 'node:url'
import { agent, cache, out, pipeline, remoteAgent, storageAgent, topic } from 'millrace'
import { attached, command, http } from 'millrace/remote'
import { files } from 'millrace/storage/files'
import { z } from 'zod'

/**
 * What the fault tests run: a keyed topic, an agent with state and a cache, one with a window, one without a key, and files of them.
 * Every number that they write can be computed again from the log, so that anything lost or doubled shows.
 */
export const readings = topic('readings', z.object({ station: z.string(), n: z.number(), value: z.number() }), {
  key: datum => datum.station,
  partitions: 2,
})
export const totals = topic('totals', z.object({ station: z.string(), count: z.number(), sum: z.number() }), {
  key: datum => datum.station,
  partitions: 2,
})
export const means = topic('means', z.object({ station: z.string(), of: z.array(z.number()) }), { partitions: 3 })
export const echoes = topic('echoes', z.object({ n: z.number() }), { partitions: 1 })
export const latest = cache('latest-totals', z.object({ station: z.string(), count: z.number(), sum: z.number() }), {
  key: value => value.station,
})

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

/** Waits in each handler and has many in hand: what is claimed when the process dies is more than one batch in order. */
const echo = agent('echo', { version: 1, from: readings, to: echoes, concurrency: 8 }, async datum => {
  await new Promise(resolve => setImmediate(resolve))
  return { n: datum.n }
})

const lake = storageAgent('lake', {
  version: 1,
  from: [readings, totals],
  to: files(process.env.FAULT_LAKE ?? './lake', { compression: 'none', key: true, roll: { records: 300, age: '300ms' } }),
})

/** One that comes later and has to read everything from the beginning. */
const late = agent('late', { version: 1, from: readings }, () => undefined)

/** What `mean` does, done by a process of its own, which notes its pid so that it can be killed; by a service; or by workers that attach. */
const remoteMeans = topic('remote-means', z.object({ station: z.string(), of: z.array(z.number()) }), { partitions: 3 })
const PROGRAM = fileURLToPath(new URL('./mean-program.js', import.meta.url))
const remoteMean = remoteAgent('remote-mean', {
  version: 1,
  from: readings,
  to: remoteMeans,
  by: datum => datum.station,
  window: 3,
  timeout: '1s',
  run:
    process.env.FAULT_SERVICE !== undefined
      ? http(process.env.FAULT_SERVICE, { private: true, batch: 20 })
      : process.env.FAULT_ATTACHED !== undefined
        ? attached()
        : command([process.execPath, PROGRAM, process.env.FAULT_PIDS ?? ''], { replicas: 2 }),
})

export default pipeline('faults', {
  agents: [
    total,
    mean,
    echo,
    lake,
    ...(process.env.FAULT_LATE_AGENT === undefined ? [] : [late]),
    ...(['FAULT_PIDS', 'FAULT_SERVICE', 'FAULT_ATTACHED'].some(name => process.env[name] !== undefined) ? [remoteMean] : []),
  ],
})
