import { formatIds, ID_BYTES, ID_CHARACTERS } from '../../../envelope/data-id.ts'
import { FrameCursor } from '../../../envelope/frame.ts'
import { IdSet } from '../../../envelope/id-set.ts'
import type { RecordBatch } from '../../../stream/stream.ts'

/** A trace names so many of a datum's parents; the stream has them all. One with a long window would cost a kilobyte and more. */
const MAX_PARENTS = 32

/** The data of a batch, column by column: what of each frame the trace keeps. */
export interface FrameRows {
  readonly count: number
  /** Of the frame in its batch. */
  readonly index: readonly number[]
  /** 16 bytes each. */
  readonly ids: Buffer
  readonly createdMs: readonly number[]
  /** The same string where it is the same source as the one before. */
  readonly source: readonly string[]
  /** data_ids with a space between; empty where the datum was not derived. */
  readonly parents: readonly string[]
  readonly supplied: readonly boolean[]
}

/**
 * Reads the frames from an offset on that hold a datum.
 * @param onCopy told of void frames and of data that stood earlier in the batch, which are left out then; without it only void frames are.
 */
export function frameRows(batch: Pick<RecordBatch, 'frames' | 'count'>, skip = 0, onCopy?: (index: number) => void): FrameRows {
  const ids = Buffer.allocUnsafe(batch.count * ID_BYTES)
  const rows = { index: [] as number[], createdMs: [] as number[], source: [] as string[], parents: [] as string[] }
  const supplied: boolean[] = []
  const seen = onCopy === undefined ? undefined : new IdSet()
  const cursor = new FrameCursor(batch.frames)
  let before: Buffer | undefined
  let source = ''
  let count = 0
  while (cursor.next()) {
    if (cursor.index < skip) continue
    if (cursor.isVoid || seen?.add(cursor.bytes, cursor.idAt) === false) {
      onCopy?.(cursor.index)
      continue
    }
    const bytes = cursor.sourceBytes
    if (before === undefined || !before.equals(bytes)) source = bytes.toString('utf8')
    before = bytes
    for (let i = 0; i < ID_BYTES; i++) ids[count * ID_BYTES + i] = cursor.bytes[cursor.idAt + i]!
    rows.index.push(cursor.index)
    rows.createdMs.push(cursor.createdMs)
    rows.source.push(source)
    rows.parents.push(cursor.parentCount === 0 ? '' : parentsOf(cursor.parents))
    supplied.push(cursor.supplied)
    count++
  }
  return { count, ids: ids.subarray(0, count * ID_BYTES), ...rows, supplied }
}

function parentsOf(bytes: Uint8Array): string {
  const text = formatIds(bytes.subarray(0, MAX_PARENTS * ID_BYTES))
  if (text.length === ID_CHARACTERS) return text
  const parents: string[] = []
  for (let at = 0; at < text.length; at += ID_CHARACTERS) parents.push(text.slice(at, at + ID_CHARACTERS))
  return parents.join(' ')
}
