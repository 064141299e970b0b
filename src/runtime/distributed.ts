import type { Clock } from '../clock.ts'
import { DistributedEngine } from '../engine/distributed/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { MillraceError } from '../errors.ts'
import type { GroupedStream } from '../stream/stream.ts'
import type { SharedTrace } from '../trace/trace.ts'
import type { Connection, Connections } from './connections.ts'

export interface DistributedContext {
  readonly pipeline: string
  readonly clock: Clock
  readonly held: (error: MillraceError | undefined) => void
  /** Told of what works and should be otherwise, such as a trace that may evict. */
  readonly warn: (text: string) => void
}

/** The names of the pipelines that have run on a stream. */
export async function pipelinesOn({ url, password }: Connection): Promise<readonly string[]> {
  const { kafkaOptions, kafkaPipelines } = await import('../stream/adapters/kafka/index.ts')
  return kafkaPipelines(kafkaOptions(url, { pipeline: '', ...(password === undefined ? {} : { password }) }))
}

/** The stream and the trace that processes share, each by itself. */
export interface Connected {
  readonly stream: GroupedStream
  readonly trace: SharedTrace
}

/** Connects to the stream and the trace that processes share. The adapters are loaded here, for those alone who use them. */
export async function connect(connections: Connections, context: DistributedContext): Promise<Connected> {
  // One after the other: to load one's client takes a busy machine seconds, in which the other's connection would seem to be silent.
  const stream = await openStream(connections.stream, context)
  let trace: SharedTrace | undefined
  try {
    trace = await openTrace(connections.trace, context)
    await trace.bind(stream.logId)
    return { stream, trace }
  } catch (error) {
    // The first reason counts, whatever closing says.
    await Promise.allSettled([stream.close(), trace?.close()])
    throw error
  }
}

/** The engine over both. */
export async function openDistributed(connections: Connections, context: DistributedContext): Promise<Engine> {
  const { stream, trace } = await connect(connections, context)
  return new DistributedEngine({ stream, trace, clock: context.clock, held: context.held })
}

async function openStream({ url, password }: Connection, { pipeline, clock }: DistributedContext): Promise<GroupedStream> {
  const { kafkaOptions, openKafka } = await import('../stream/adapters/kafka/index.ts')
  return openKafka({ ...kafkaOptions(url, { pipeline, ...(password === undefined ? {} : { password }) }), clock })
}

async function openTrace(
  { url, password, traceRetentionMs, idRetentionMs }: Connections['trace'],
  { pipeline, clock, warn }: DistributedContext,
): Promise<SharedTrace> {
  const { openRedis, redisOptions } = await import('../trace/adapters/redis/index.ts')
  const options = redisOptions(url, { pipeline, ...(password === undefined ? {} : { password }) })
  // What the URL says goes before what the configuration does.
  const kept = {
    ...(traceRetentionMs === undefined ? {} : { ttlMs: traceRetentionMs }),
    ...(idRetentionMs === undefined ? {} : { idTtlMs: idRetentionMs }),
  }
  return openRedis({ ...kept, ...options, clock, warn })
}
