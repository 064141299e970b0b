import type { EngineView } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { MillraceError } from '../errors.ts'
import type { Format } from '../storage/formats/format.ts'
import { Gathered } from '../storage/formats/gathered.ts'
import { knownRange } from '../stream/known-range.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import type { ExportFolder } from './export-folder.ts'
import { PartitionFiles } from './partition-files.ts'

const READ_BYTES = 1024 * 1024

export interface PartitionExport {
  readonly view: Pick<EngineView, 'read'>
  readonly folder: ExportFolder
  readonly format: Format
  readonly topic: Topic
  readonly partition: number
  /** The range wanted; what of it is in the folder already is passed over. */
  readonly from: number
  readonly end: number
  /** A file is ended where it holds so much of the log. */
  readonly fileBytes: number
  readonly signal: AbortSignal
  readonly moved: (count: number) => void
  /** Told of data that the format cannot hold: they are in no file. */
  readonly unstorable: (offset: number, reason: string) => void
}

/**
 * Writes a range of a partition to files; goes on behind those that are there. When the signal aborts, what is written of the file in
 * hand is let go of.
 * @throws CONFIG_INVALID where the files there are not the beginning of this range, or of another log; STREAM_UNAVAILABLE where a broker
 *   does not show what it holds: run again, it goes on.
 */
export async function exportPartition(options: PartitionExport): Promise<void> {
  const { view, folder, format, topic, partition, signal } = options
  const place = { topic: topic.name, partition }
  const start = await goOn(options)
  const files = new PartitionFiles(folder, place, start, options.unstorable)
  const gathered = new Gathered()
  let encoder = format.encoder(topic)
  let logBytes = 0
  const encode = () => {
    if (gathered.count > 0) encoder.encode(gathered, files)
    gathered.clear(false)
  }
  const endFile = () => {
    encode()
    encoder.finish(files)
    files.nextPart()
    encoder = format.encoder(topic)
    logBytes = 0
  }
  try {
    for await (const batch of knownRange(view, place, { first: start, end: options.end }, { readBytes: READ_BYTES })) {
      if (signal.aborted) return
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      let moved = 0
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        if (cursor.isVoid) continue
        const issue = format.gather(cursor, offset, topic, batch.ascii, gathered)
        if (issue === undefined) gathered.count++
        else options.unstorable(offset, issue)
        moved++
        logBytes += cursor.end - cursor.start
        if (gathered.length >= format.chunkBytes) encode()
        if (logBytes >= options.fileBytes) endFile()
      }
      options.moved(moved)
    }
    if (signal.aborted) return
    endFile()
    folder.extend(place, options.end)
  } finally {
    files.discard()
  }
}

/** Where the files that are there end. */
async function goOn({ view, folder, topic, partition, from, end }: PartitionExport): Promise<number> {
  const place = { topic: topic.name, partition }
  const there = folder.filesOf(place)
  const [first, last] = [there[0], there.at(-1)]
  if (first === undefined || last === undefined) return from
  const say = `${folder.path} has ${topic.name}, partition ${partition}, from offset ${first.first} to ${last.end}`
  if (from < first.first && end > from) {
    throw new MillraceError('CONFIG_INVALID', `${say}; offset ${from} comes before that.`, {
      fix: 'Export what comes before to a folder of its own (--out).',
    })
  }
  if (from > last.end) {
    throw new MillraceError('CONFIG_INVALID', `${say}; going on at offset ${from} would leave out what lies between.`, {
      fix: 'Begin where it ends, or name another folder with --out.',
    })
  }
  const found = await idAt(view, place, last.last)
  if (found !== undefined && found !== last.lastId) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `${say}, ending with datum ${last.lastId}; the log has ${found} there. The export is of another log.`,
      {
        fix: 'Name another folder with --out.',
      },
    )
  }
  return Math.max(from, last.end)
}

/** Undefined where retention has passed the offset, or the log has not reached it. */
async function idAt(view: Pick<EngineView, 'read'>, { topic, partition }: TopicPartition, offset: number): Promise<string | undefined> {
  const batch = await view.read(topic, partition, offset, 1)
  const cursor = new FrameCursor(batch.frames)
  while (cursor.next()) if (batch.first + cursor.index === offset) return cursor.isVoid ? undefined : cursor.dataId
  return undefined
}
