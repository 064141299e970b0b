import { resolve } from 'node:path'
import type { Command } from 'commander'
import { byteSize } from '../../duration.ts'
import type { ExportedTopic, ExportFormat } from '../../transfer/export.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import { plain } from '../output.ts'
import { table } from '../table.ts'
import { Progress } from '../transfer/progress.ts'
import { type Edge, parseEdge, rangesOf } from '../transfer/range.ts'
import { withView } from '../view.ts'
import { unknownTopic } from './tap.ts'

interface ExportFlags extends Shared {
  readonly out?: string
  readonly format: string
  readonly compression?: string
  readonly from: string
  readonly to: string
  readonly partition?: string
  readonly fileSize: string
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description('write topics to files, for an archive or for import elsewhere; running it again goes on')
    .argument('<topics...>', 'the topics to export')
    .option('--out <folder>', 'where to')
    .option('--format <format>', 'ndjson: envelopes, exact; parquet: a column for each field, for analysis', 'ndjson')
    .option('--compression <method>', 'ndjson: none (default), zstd, gzip; parquet: zstd (default), gzip, snappy, none')
    .option('--from <when>', 'earliest, latest, a time (2026-01-31T08:00:00Z), so long ago (10m), or an offset', 'earliest')
    .option('--to <when>', 'the same: the first that is left out', 'latest')
    .option('--partition <number>', 'only this one')
    .option('--file-size <size>', 'a file is ended where it holds so much of the log', '64MB')
    .action((topics: string[], _options, command: Command) => exportCommand(topics, command))
}

async function exportCommand(topics: readonly string[], command: Command): Promise<void> {
  const options = optionsOf<ExportFlags>(command)
  const output = outputOf(options)
  if (options.out === undefined || options.out === '') throw usage('export needs a folder.', 'Name it: --out ./archive')
  const out = resolve(options.out)
  const as = formatOf(options.format, options.compression)
  const fileBytes = sizeOf(options.fileSize)
  const partition = partitionOf(options.partition)
  const nowMs = Date.now()
  const edges = {
    from: parseEdge(options.from, '--from', partition, nowMs),
    to: parseEdge(options.to, '--to', partition, nowMs),
    partition,
  } satisfies { from: Edge; to: Edge; partition: number | undefined }
  using interrupt = untilInterrupted()
  let left = 0
  const answer = await withView(options, async (view, where) => {
    const known = (await view.topics()).map(spec => spec.name)
    const missing = topics.find(topic => !known.includes(topic))
    if (missing !== undefined) throw unknownTopic(missing, known, where)
    const ranges = (await Promise.all([...new Set(topics)].map(topic => rangesOf(view, topic, edges)))).flat()
    const { exportTopics } = await import('../../transfer/export.ts')
    const progress = new Progress('exported')
    try {
      return await exportTopics({
        view,
        out,
        as,
        ranges,
        fileBytes,
        signal: interrupt.signal,
        moved: count => progress.moved(count),
        unstorable: ({ topic, partition: at, offset, reason }) => {
          left++
          if (left <= MOST_SHOWN) output.notice(plain(`left out: ${topic}, partition ${at}, offset ${offset}: ${reason}`))
        },
      })
    } finally {
      progress.end()
    }
  })
  const complete = !interrupt.signal.aborted
  output.answer({ out, ...as, complete, left_out: left, topics: answer }, () => draw(answer))
  if (!complete) {
    output.notice('Interrupted before the end: what is there is whole. Run it again to go on.')
    process.exitCode = EXIT.interrupted
  } else if (left > 0) {
    output.notice(`${left} data could not be written as ${as.format} and were left out.`)
    process.exitCode = EXIT.partly
  }
}

const MOST_SHOWN = 20

function draw(topics: readonly ExportedTopic[]): string {
  const rows = topics.map(({ topic, written, data, files, bytes }) => [topic, written, data, files, bytes])
  return table(['TOPIC', 'WRITTEN NOW', 'DATA', 'FILES', 'BYTES'], rows)
}

function formatOf(format: string, compression: string | undefined): ExportFormat {
  switch (format) {
    case 'ndjson': {
      const method = compression ?? 'none'
      if (method === 'none' || method === 'zstd' || method === 'gzip') return { format, compression: method }
      throw usage(`--compression is ${JSON.stringify(method)}.`, 'For ndjson it must be none, zstd or gzip.')
    }
    case 'parquet': {
      const method = compression ?? 'zstd'
      if (method === 'none' || method === 'zstd' || method === 'gzip' || method === 'snappy') return { format, compression: method }
      throw usage(`--compression is ${JSON.stringify(method)}.`, 'For parquet it must be zstd, gzip, snappy or none.')
    }
    default:
      throw usage(`--format is ${JSON.stringify(format)}.`, 'It must be ndjson or parquet.')
  }
}

function sizeOf(text: string): number {
  try {
    const bytes = byteSize(text, '--file-size')
    if (bytes >= 1) return bytes
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  throw usage(`--file-size is ${JSON.stringify(text)}.`, "It must be a size such as '64MB' or '1GB'.")
}

function partitionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,4}$/.test(text)) throw usage(`--partition is ${JSON.stringify(text)}.`, 'It must be a whole number, counted from 0.')
  return Number(text)
}
