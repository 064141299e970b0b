import { createHash } from 'node:crypto'
import { type HrTime, type Link, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { groupName } from '../../engine/engine.ts'
import type { DataId } from '../../envelope/data-id.ts'
import type { Mark, TraceRecord } from '../../trace/trace.ts'
import type { Span } from './otlp.ts'

/** Of what a span is part: the trace of the datum that was accepted, beneath the span that led to it. */
export interface Within {
  readonly origin: DataId
  readonly parentId: string
}

/** A `created` that is further back is the producer's own, and no time of ours. */
const MOST_ACCEPTING_MS = 10_000
const SCOPE = { name: 'millrace' }

/** `data_id` is 16 bytes, and so is a trace id: the one is the other. */
export function traceIdOf(dataId: DataId): string {
  return dataId.replaceAll('-', '')
}

/** The same in every process, and whenever it is asked for. */
export function spanIdOf(dataId: DataId, what: string): string {
  return createHash('sha256').update(`${dataId} ${what}`).digest('hex').slice(0, 16)
}

export const ACCEPTED = 'accepted'

/** The root of a trace: from when the datum was taken in to when it was durable in the stream. */
export function acceptedSpan({ dataId, createdMs, parents, positions }: TraceRecord, resource: Resource): Span | undefined {
  const first = positions[0]
  if (first === undefined) return undefined
  const { appendedMs, topic } = first
  const startMs = appendedMs - createdMs >= 0 && appendedMs - createdMs <= MOST_ACCEPTING_MS ? createdMs : appendedMs
  return span({
    ...{ name: `accepted ${topic}`, kind: SpanKind.SERVER, startMs, endMs: appendedMs, resource },
    ...{ traceId: traceIdOf(dataId), spanId: spanIdOf(dataId, ACCEPTED) },
    attributes: { ...placeOf(first), 'millrace.data_id': dataId },
    // What a producer says that it is derived from has a trace of its own.
    links: parents.map(parent => ({
      context: { traceId: traceIdOf(parent), spanId: spanIdOf(parent, ACCEPTED), traceFlags: TraceFlags.SAMPLED },
    })),
  })
}

/** What an agent did about a datum, in two steps: for how long it waited, and for how long it was in hand, its commit or its store included. */
export function agentSpans(
  record: TraceRecord,
  mark: Mark & { readonly finishedMs: number },
  { origin, parentId }: Within,
  resource: Resource,
): readonly [wait: Span, work: Span] {
  const { dataId } = record
  const agent = groupName(mark)
  const position = record.positions.find(at => at.topic === mark.topic && at.partition === mark.partition && at.offset === mark.offset)
  const traceId = traceIdOf(origin)
  const attributes = { ...placeOf(mark), 'millrace.data_id': dataId, 'millrace.agent': mark.name, 'millrace.version': mark.version }
  const at = `${agent} ${mark.topic}/${mark.partition}/${mark.offset}`
  return [
    span({
      ...{ name: `wait for ${agent}`, kind: SpanKind.INTERNAL, resource, traceId, parentId, attributes, links: [] },
      ...{ spanId: spanIdOf(dataId, `wait ${at}`), startMs: position?.appendedMs ?? mark.claimedMs, endMs: mark.claimedMs },
    }),
    span({
      ...{ name: agent, kind: SpanKind.CONSUMER, resource, traceId, parentId, links: [] },
      ...{ spanId: spanIdOf(dataId, at), startMs: mark.claimedMs, endMs: mark.finishedMs },
      attributes: { ...attributes, 'millrace.attempts': mark.attempts, 'millrace.outcome': mark.state },
      // The reason may quote the datum: it stays with the dead letter.
      ...(mark.state === 'dead' ? { error: 'dead letter' } : {}),
    }),
  ]
}

function placeOf({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number }) {
  return { 'millrace.topic': topic, 'millrace.partition': partition, 'millrace.offset': offset }
}

interface SpanParts {
  readonly name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly parentId?: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Span['attributes']
  readonly links: Link[]
  readonly resource: Resource
  readonly error?: string
}

function span({ name, kind, traceId, spanId, parentId, startMs, endMs, attributes, links, resource, error }: SpanParts): Span {
  const ended = Math.max(startMs, endMs)
  const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED })
  return {
    ...{ name, kind, attributes, links, resource, events: [], ended: true, instrumentationScope: SCOPE },
    spanContext: () => context(spanId),
    ...(parentId === undefined ? {} : { parentSpanContext: context(parentId) }),
    startTime: timeOf(startMs),
    endTime: timeOf(ended),
    duration: timeOf(ended - startMs),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}

/** Seconds and nanoseconds; times of the trace are whole milliseconds. */
function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1e6]
}
