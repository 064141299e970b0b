import { type Clock, systemClock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import { namePattern } from './names.ts'

export type EnvelopeCodec = 'json' | 'msgpack' | 'bson'
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface KafkaTls {
  /** PEM text. Without it, the authorities that Node knows. */
  readonly ca?: string
  /** PEM text of a client certificate, and its key. */
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

export interface KafkaSasl {
  readonly mechanism: SaslMechanism
  readonly username: string
  readonly password: string
}

export interface KafkaOptions {
  /** `host:port` of one broker or several to begin with; the others are learnt from them. */
  readonly brokers: readonly string[]
  /** The pipeline's name: part of the names of its internal topics and consumer groups. Letters, digits, `_`, `-`. */
  readonly pipeline: string
  /** Put before every topic's and group's name, such as `team.`. Default none. */
  readonly prefix?: string
  /** How a datum's envelope is written as a record's value. What is read may be any of them. Default json. */
  readonly codec?: EnvelopeCodec
  /** Of topics that are made. Default 3, or as many as there are brokers. */
  readonly replication?: number
  /** `min.insync.replicas` of topics that are made. Default 2 where the replication factor is 3 or more, else 1. */
  readonly minInsyncReplicas?: number
  /** Default zstd. */
  readonly compression?: Compression
  readonly tls?: KafkaTls
  readonly sasl?: KafkaSasl
  /** What brokers' logs and quotas know this process by. Default `millrace-<pipeline>`. */
  readonly clientId?: string
  /** After so long without a heartbeat the group gives a member's partitions to others. Brokers take 6,000 or more unless told otherwise. Default 6,000. */
  readonly sessionTimeoutMs?: number
  /** How long an append is tried before it is APPEND_UNKNOWN. Keep it above the longest outage to be ridden out. Default 60,000. */
  readonly sendTimeoutMs?: number
  readonly clock?: Clock
}

/** Options with every default filled in. Replication is undefined until the brokers have been counted. */
export interface Settings {
  readonly brokers: readonly { readonly host: string; readonly port: number }[]
  readonly pipeline: string
  readonly prefix: string
  readonly codec: EnvelopeCodec
  readonly replication: number | undefined
  readonly minInsyncReplicas: number | undefined
  readonly compression: Compression
  readonly tls: KafkaTls | undefined
  readonly sasl: KafkaSasl | undefined
  readonly clientId: string
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  readonly sendTimeoutMs: number
  readonly clock: Clock
}

const DEFAULT_PORT = 9092
const HEARTBEAT_MS = 300

/** @throws CONFIG_INVALID naming the option. */
export function settingsOf(options: KafkaOptions): Settings {
  const { pipeline, prefix = '', sessionTimeoutMs = 6_000, sendTimeoutMs = 60_000 } = options
  if (options.brokers.length === 0) throw invalid('brokers is empty', 'Name one broker at least, as host:port.')
  if (!namePattern.test(pipeline) || pipeline.includes('.')) {
    throw invalid(
      `the pipeline's name ${JSON.stringify(pipeline)} cannot be part of a topic's`,
      'Use letters, digits, "_" and "-"; a dot would let two pipelines share one topic.',
    )
  }
  if (prefix !== '' && !namePattern.test(prefix)) {
    throw invalid(`prefix ${JSON.stringify(prefix)} cannot begin a topic's name`, 'Use letters, digits, ".", "_" and "-".')
  }
  whole('replication', options.replication, 1, 32_767)
  whole('minInsyncReplicas', options.minInsyncReplicas, 1, 32_767)
  whole('sessionTimeoutMs', sessionTimeoutMs, 1, 1_800_000)
  whole('sendTimeoutMs', sendTimeoutMs, 1, 3_600_000)
  return {
    brokers: brokersOf(options.brokers),
    pipeline,
    prefix,
    codec: options.codec ?? 'json',
    replication: options.replication,
    minInsyncReplicas: options.minInsyncReplicas,
    compression: options.compression ?? 'zstd',
    tls: options.tls,
    sasl: options.sasl,
    clientId: options.clientId ?? `millrace-${pipeline}`,
    sessionTimeoutMs,
    heartbeatMs: Math.min(HEARTBEAT_MS, Math.ceil(sessionTimeoutMs / 3)),
    sendTimeoutMs,
    clock: options.clock ?? systemClock,
  }
}

/** Each is `host`, `host:port` or `[::1]:port`. @throws CONFIG_INVALID naming which: what it is not may be part of a password. */
export function brokersOf(brokers: readonly string[]): { host: string; port: number }[] {
  return brokers.map((broker, index) => {
    const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/.exec(broker)
    const port = match?.[2] === undefined ? DEFAULT_PORT : Number(match[2])
    if (match === null || port < 1 || port > 65_535) {
      throw invalid(`broker ${index + 1} of ${brokers.length} is not host:port`, 'Write it as kafka-1:9092.')
    }
    return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
  })
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return
  throw invalid(`${name} is ${value}`, `It must be a whole number from ${least} to ${most}.`)
}

export function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `Kafka: ${what}.`, { fix })
}
