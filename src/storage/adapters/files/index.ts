import { resolve } from 'node:path'
import { checkCount } from '../../../agents/agent.ts'
import { type ByteSize, byteSize, type Duration, durationMs } from '../../../duration.ts'
import type { RollingStore, RollPolicy } from '../../storage.ts'
import type { Compression } from './compression.ts'
import { type Disk, nodeDisk, unusable } from './disk.ts'
import type { Format } from './format.ts'
import { type Interval, Layout } from './layout.ts'
import { Ndjson } from './ndjson.ts'
import { FilesWriter } from './writer.ts'

export type { Compression } from './compression.ts'
export type { Interval } from './layout.ts'

export interface FilesOptions {
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

const MOST_RECORDS = 100_000_000

/**
 * A store of rolled, compressed files in a folder, each in its place by topic, key and time:
 * `<directory>/<topic>/key=<key>/date=<day>/hour=<hour>/<partition>-<first offset>-<writer>.ndjson.zst`.
 * @throws TypeError where an option is wrong.
 */
export function files(directory: string, options: FilesOptions = {}): RollingStore {
  return filesOn(nodeDisk, directory, options)
}

/** {@link files} on another disk: the seam where tests make the disk fail. */
export function filesOn(disk: Disk, directory: string, options: FilesOptions = {}): RollingStore {
  if (typeof directory !== 'string' || directory === '') throw new TypeError("files(…) needs a folder, such as files('./lake').")
  const say = `files('${directory}')`
  const format = oneOf(options.format ?? 'ndjson', ['ndjson', 'parquet'], `${say} format`)
  const record = oneOf(options.record ?? 'envelope', ['envelope', 'plain'], `${say} record`)
  const compression = oneOf(options.compression ?? 'zstd', ['zstd', 'gzip', 'snappy', 'none'], `${say} compression`)
  const interval = oneOf(options.interval ?? '1h', ['1h', '1d'], `${say} interval`)
  if (format === 'ndjson' && compression === 'snappy')
    throw new TypeError(`${say} compression is 'snappy', which is Parquet's alone: use 'zstd', 'gzip' or 'none' for NDJSON.`)
  const roll: RollPolicy = {
    records: checkCount(`${say} roll records`, options.roll?.records ?? 500_000, MOST_RECORDS),
    bytes: byteSize(options.roll?.bytes ?? '128MB', `${say} roll bytes`),
    ageMs: durationMs(options.roll?.age ?? '5m', `${say} roll age`),
  }
  const root = resolve(directory)
  return {
    kind: 'rolling',
    describe: `files ${directory}`,
    roll,
    async open() {
      await disk.makeFolder(root).catch((error: unknown) => {
        throw unusable(error, directory)
      })
      const encoded = await formatOf(format, record === 'envelope', compression)
      return new FilesWriter(disk, root, new Layout(options.key ?? false, interval, encoded.extension), encoded)
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
