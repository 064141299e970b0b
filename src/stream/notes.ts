import { ID_BYTES, mintInto } from '../envelope/data-id.ts'
import { FrameWriter } from '../envelope/frame.ts'
import type { AppendBatch } from './stream.ts'

const SOURCE = Buffer.from('millrace')
const NO_PARENTS = new Uint8Array(0)

/** What Millrace keeps in a stream for itself, one frame a note: its key is what compaction goes by. */
export interface Note {
  readonly key: string
  readonly data: string | Uint8Array
}

/** Notes for one partition of an internal topic. */
export function notesBatch(topic: string, partition: number, notes: readonly Note[], nowMs: number): AppendBatch {
  const writer = new FrameWriter()
  const id = Buffer.allocUnsafe(ID_BYTES)
  for (const { key, data } of notes) {
    mintInto(id, 0, nowMs)
    writer.add({
      id,
      idAt: 0,
      supplied: false,
      source: SOURCE,
      createdMs: nowMs,
      contentType: typeof data === 'string' ? 'application/json' : 'application/octet-stream',
      type: '',
      key,
      parents: NO_PARENTS,
      data,
    })
  }
  return { topic, partition, ...writer.take() }
}
