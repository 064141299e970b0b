import { checkCount } from '../../count.ts'
import { type ByteSize, byteSize, type Duration, durationMs } from '../../duration.ts'
import type { RollPolicy } from '../storage.ts'
import type { Compression } from './compression.ts'
import type { Format } from './format.ts'
import { type Interval, Layout } from './layout.ts'
import { Ndjson } from './ndjson.ts'

/** How a store of files writes them, wherever they are. */
export interface FormatOptions {
  /** Default `'ndjson'`. */
  readonly format?: 'ndjson' | 'parquet'
  /** What a record holds: the whole envelope (data_id, source, created, …) or what was sent alone. Default `'envelope'`. */
  readonly record?: 'envelope' | 'plain'
  /** Default `'zstd'`. `'snappy'` is Parquet's alone. */
  readonly compression?: Compression
  /** The time that one folder covers, by the data's `created`, in UTC. Default `'1h'`. */
  readonly interval?: Interval
  /** A folder for each key of the topic. Each roll then writes a file a key, so it is for few keys or large rolls. Default false. */
  readonly key?: boolean
  /** When a file is written: as soon as one of these is reached, also when nothing more arrives. */
  readonly roll?: {
    /** Default 500,000. */
    readonly records?: number
    /** Bytes of data, before compression. Default `'128MB'`. */
    readonly bytes?: ByteSize
    /** The age of the oldest datum that is not in a file yet. Default `'5m'`. */
    readonly age?: Duration
  }
}

/** The options, checked and with their defaults. */
export interface FormatPlan {
  readonly roll: RollPolicy
  /** In the thread that writes. */
  load(): Promise<{ format: Format; layout: Layout }>
}

const MOST_RECORDS = 100_000_000

/** @param say the store as its user declared it, for errors. @throws TypeError where an option is wrong. */
export function formatPlan(say: string, options: FormatOptions): FormatPlan {
  const format = oneOf(options.format ?? 'ndjson', ['ndjson', 'parquet'], `${say} format`)
  const record = oneOf(options.record ?? 'envelope', ['envelope', 'plain'], `${say} record`)
  const compression = oneOf(options.compression ?? 'zstd', ['zstd', 'gzip', 'snappy', 'none'], `${say} compression`)
  const interval = oneOf(options.interval ?? '1h', ['1h', '1d'], `${say} interval`)
  if (format === 'ndjson' && compression === 'snappy')
    throw new TypeError(`${say} compression is 'snappy', which is Parquet's alone: use 'zstd', 'gzip' or 'none' for NDJSON.`)
  return {
    roll: {
      records: checkCount(`${say} roll records`, options.roll?.records ?? 500_000, MOST_RECORDS),
      bytes: byteSize(options.roll?.bytes ?? '128MB', `${say} roll bytes`),
      ageMs: durationMs(options.roll?.age ?? '5m', `${say} roll age`),
    },
    async load() {
      const loaded = await formatOf(format, record === 'envelope', compression)
      return { format: loaded, layout: new Layout(options.key ?? false, interval, loaded.extension) }
    },
  }
}

/** Parquet's library is loaded where it is used: it is a megabyte that a pipeline of NDJSON never needs. */
async function formatOf(format: 'ndjson' | 'parquet', envelope: boolean, compression: Compression): Promise<Format> {
  if (format === 'parquet') return new (await import('./parquet.ts')).Parquet(envelope, compression)
  // Checked above: NDJSON is never snappy.
  return new Ndjson(envelope, compression as Exclude<Compression, 'snappy'>)
}

function oneOf<T extends string>(value: T, allowed: readonly T[], what: string): T {
  if (allowed.includes(value)) return value
  throw new TypeError(`${what} is ${JSON.stringify(value)}: it must be ${allowed.map(each => `'${each}'`).join(' or ')}.`)
}
