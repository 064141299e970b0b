import { agent, out, pipeline, storageAgent } from 'millrace'
import { files } from 'millrace/storage/files'
import { echoes, latest, readings, totals } from './pipeline.ts'

/** Three versions of what `total` of the other fault tests does: the later ones wait to be promoted, each over the one before it. */
const total = (version: number, shadow: boolean) =>
  agent(
    'total',
    {
      version,
      shadow,
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

/** What is decommissioned and goes on again. */
const echo = agent('echo', { version: 1, from: readings, to: echoes, concurrency: 8 }, async datum => {
  await new Promise(resolve => setImmediate(resolve))
  return { n: datum.n }
})

const lake = storageAgent('lake', {
  version: 1,
  from: totals,
  to: files(process.env.FAULT_LAKE ?? './lake', { compression: 'none', key: true, roll: { records: 300, age: '300ms' } }),
})

export default pipeline('faults', { agents: [total(1, false), total(2, true), total(3, true), echo, lake] })
