import assert from 'node:assert/strict'
import { type DataId, mint, parseId } from '../envelope/data-id.ts'
import { FrameCursor, FrameWriter } from '../envelope/frame.ts'
import type { AppendBatch, Checkpoint, RecordBatch, Stream, TopicSpec } from '../stream/stream.ts'

const WEEK_MS = 7 * 86_400_000
const READ_BYTES = 64_000

export function spec(name: string, partitions = 1): TopicSpec {
  return { name, partitions, retentionMs: WEEK_MS }
}

/** A datum of a suite: its text, and what matters besides. */
export interface Sample {
  readonly text: string
  readonly id?: DataId
  /** The id was supplied by its producer. */
  readonly supplied?: boolean
  readonly source?: string
  readonly parents?: readonly DataId[]
}

/** A batch of texts, each with an id of its own unless it says which. */
export function batch(topic: string, partition: number, data: readonly (string | Sample)[], contentType = 'text/plain'): AppendBatch {
  const writer = new FrameWriter()
  for (const datum of data) {
    const sample = typeof datum === 'string' ? { text: datum } : datum
    writer.add({
      id: parseId(sample.id ?? mint(Date.now())),
      idAt: 0,
      supplied: sample.supplied ?? false,
      source: Buffer.from(sample.source ?? 'suite'),
      createdMs: 1_483_228_800_000,
      contentType,
      type: '',
      key: '',
      parents: Buffer.concat((sample.parents ?? []).map(parseId)),
      data: sample.text,
    })
  }
  return { topic, partition, ...writer.take() }
}

/** `count` texts that say where they are. */
export function texts(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

/** The data of a batch from an offset on, with their offsets. */
export function dataOf(read: RecordBatch, from = read.first): { offset: number; text: string; id: DataId }[] {
  const data: { offset: number; text: string; id: DataId }[] = []
  const cursor = new FrameCursor(read.frames, read.ascii)
  while (cursor.next()) {
    const offset = read.first + cursor.index
    if (offset >= from) data.push({ offset, text: cursor.dataText, id: cursor.dataId })
  }
  assert.equal(read.first + read.count, read.first + cursor.index + 1, `A batch of ${read.topic} says it has ${read.count} data.`)
  return data
}

/** The ids of the data [first, end) of a batch, 16 bytes each. */
export function idsOf(read: RecordBatch, first: number, end: number): Uint8Array {
  const ids = dataOf(read).filter(({ offset }) => offset >= first && offset < end)
  return Buffer.concat(ids.map(({ id }) => parseId(id)))
}

/** Everything of a partition from an offset on, read batch by batch; every offset must follow the one before. */
export async function readAll(stream: Pick<Stream, 'read'>, topic: string, partition: number, from = 0): Promise<string[]> {
  const all: string[] = []
  for (let at = from; ; ) {
    const read = await stream.read(topic, partition, at, READ_BYTES)
    if (read.count === 0) return all
    for (const { offset, text } of dataOf(read, at)) {
      assert.equal(offset, at, `${topic}/${partition}: after offset ${at - 1} comes ${offset}.`)
      all.push(text)
      at++
    }
  }
}

/** `checkpoint` after `done` more data were handled. */
export function further(checkpoint: Checkpoint, done: number): Checkpoint {
  return { ...checkpoint, offset: checkpoint.offset + done, done: checkpoint.done + done }
}
