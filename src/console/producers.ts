import type { Instruments } from '../instrumentation/instruments.ts'
import { type LedgerRow, ledgerOf } from '../instrumentation/ledger.ts'
import type { Producing } from '../instrumentation/producers.ts'
import type { Sample } from '../instrumentation/sampler.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Producer, ProducersAnswer } from './api/producers.ts'
import { iso } from './seen.ts'

/** `GET /v1/producers`. @param hasFrontEnd whether this process has one: only that knows who sends what. */
export function producersToJson(
  { sinceMs, producers, spilled }: ReturnType<Instruments['producers']>,
  sample: Sample,
  pipeline: Pipeline | undefined,
  hasFrontEnd: boolean,
): ProducersAnswer {
  const rows = ledgerOf(sample.standings, sample.atMs, sample.ended).rows
  const stores = (topic: string) => storesOf(topic, rows, pipeline, spilled === 0 ? sample.atMs : undefined)
  return { since: iso(sinceMs), front_end: hasFrontEnd, producers: producers.map(each => producerToJson(each, stores)) }
}

function producerToJson(producing: Producing, stores: (topic: string) => Producer['topics'][number]['stores']): Producer {
  const { source, accepted, duplicate, rejected, retry, refusedRequests, acceptedPerSecond, lastSeenMs, topics, reasons } = producing
  return {
    source,
    received: accepted + duplicate + rejected + retry,
    ...{ rejected, duplicate, accepted, retry },
    refused_requests: refusedRequests,
    topics: [...topics].map(([topic, count]) => ({ topic, accepted: count, stores: stores(topic) })),
    accepted_per_second: acceptedPerSecond,
    last_seen: lastSeenMs === 0 ? null : iso(lastSeenMs),
    reasons: reasons.map(({ reason, count, sample, atMs }) => ({ reason, count, at: iso(atMs), sample })),
  }
}

/** @param nowMs undefined where some of what was accepted is in no topic yet: then nobody can say that all of it is stored. */
function storesOf(
  topic: string,
  rows: readonly LedgerRow[],
  pipeline: Pipeline | undefined,
  nowMs: number | undefined,
): Producer['topics'][number]['stores'] {
  const agents = [...(pipeline?.agents ?? [])].filter(
    ([, agent]) => agent.kind === 'storage-agent' && agent.from.some(({ name }) => name === topic),
  )
  return agents.map(([agent]) => {
    const own = rows.filter(row => row.group === agent && row.topic === topic)
    const waiting = own.reduce((sum, row) => sum + row.behind, 0)
    const isKnown = nowMs !== undefined && own.length > 0
    return { agent, waiting, until: isKnown ? iso(nowMs - Math.max(...own.map(row => row.lagMs))) : null }
  })
}
