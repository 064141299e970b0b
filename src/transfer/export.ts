import type { EngineView } from '../engine/engine.ts'
import type { Format } from '../storage/formats/format.ts'
import type { NdjsonCompression } from '../storage/formats/ndjson.ts'
import { formatPlan } from '../storage/formats/options.ts'
import type { Topic } from '../stream/topic.ts'
import { EnvelopeLines } from './envelope-lines.ts'
import { ExportFolder } from './export-folder.ts'
import { exportPartition } from './export-partition.ts'

export type ExportFormat =
  | { readonly format: 'ndjson'; readonly compression: NdjsonCompression }
  | { readonly format: 'parquet'; readonly compression: 'zstd' | 'gzip' | 'snappy' | 'none' }

/** Positions [from, end) of one partition. */
export interface ExportRange {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly end: number
}

export interface ExportOptions {
  readonly view: Pick<EngineView, 'read'>
  readonly out: string
  readonly as: ExportFormat
  readonly ranges: readonly ExportRange[]
  /** A file is ended where it holds so much of the log. */
  readonly fileBytes: number
  readonly signal: AbortSignal
  readonly moved: (count: number) => void
  /** Told of data that the format cannot hold: they are in no file. */
  readonly unstorable: (datum: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly reason: string
  }) => void
}

/** What the folder holds of a topic, over all its partitions. */
export interface ExportedTopic {
  readonly topic: string
  /** Written now. */
  readonly written: number
  /** With what was there before. */
  readonly data: number
  readonly files: number
  readonly bytes: number
}

/**
 * Writes ranges of topics to files in a folder, with a manifest; goes on where an earlier run into the same folder ended. Aborting leaves
 * whole files only.
 * @throws CONFIG_INVALID where what the folder holds is another export's; LOG_CORRUPT
 */
export async function exportTopics(options: ExportOptions): Promise<ExportedTopic[]> {
  const { view, ranges, fileBytes, signal, moved } = options
  const format = await loadFormat(options.as)
  const folder = ExportFolder.open(options.out, options.as, format.extension)
  const before = new Map(ranges.map(range => [range.topic, countIn(folder, range.topic)]))
  for (const { topic, partition, from, end } of ranges) {
    if (signal.aborted) break
    const unstorable = (offset: number, reason: string) => options.unstorable({ topic, partition, offset, reason })
    await exportPartition({ view, folder, format, topic: bare(topic), partition, from, end, fileBytes, signal, moved, unstorable })
  }
  return [...before].map(([topic, count]) => {
    const files = folder.files.filter(file => file.topic === topic)
    const data = countIn(folder, topic)
    return { topic, written: data - count, data, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
  })
}

function countIn(folder: ExportFolder, topic: string): number {
  return folder.files.reduce((sum, file) => (file.topic === topic ? sum + file.count : sum), 0)
}

async function loadFormat(as: ExportFormat): Promise<Format> {
  if (as.format === 'ndjson') return new EnvelopeLines(as.compression)
  return (await formatPlan('export', as).load()).format
}

/** A topic of which only the name is known: columns come from the data themselves. */
function bare(name: string): Topic {
  return {
    kind: 'topic',
    name,
    schema: { '~standard': { version: 1, vendor: 'export', validate: value => ({ value }) } },
    spec: { name, partitions: 1, retentionMs: 0 },
  }
}
