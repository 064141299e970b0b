import { ID_BYTES, mintInto } from '../src/envelope/data-id.ts'
import { FrameWriter } from '../src/envelope/frame.ts'
import { partitionOfKey } from '../src/stream/partition.ts'
import type { AppendBatch } from '../src/stream/stream.ts'
import { readingJson } from './data.ts'
import { readings } from './pipelines/ingest.ts'

const SOURCE = Buffer.from('bench')
const NO_PARENTS = new Uint8Array(0)

/** `count` readings of `keys` stations as the front end frames them, some thousands at a time: a batch for each partition. */
export function* framedReadings(count: number, keys: number, together = 4000): Generator<AppendBatch[]> {
  const id = Buffer.alloc(ID_BYTES)
  const writers = Array.from({ length: readings.spec.partitions }, () => new FrameWriter())
  for (let i = 0; i < count; ) {
    for (const end = Math.min(i + together, count); i < end; i++) {
      const data = readingJson(i, keys)
      // readingJson names its station first: the key without a parse.
      const key = data.slice(12, 25)
      mintInto(id, 0, Date.now())
      writers[partitionOfKey(key, writers.length)]!.add({
        id,
        idAt: 0,
        supplied: false,
        source: SOURCE,
        createdMs: Date.now(),
        contentType: 'application/json',
        type: '',
        key,
        parents: NO_PARENTS,
        data,
      })
    }
    yield writers.flatMap((writer, partition) => (writer.count === 0 ? [] : [{ topic: readings.name, partition, ...writer.take() }]))
  }
}
