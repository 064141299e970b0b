import { z } from 'zod'
import { formatId, suppliedId } from '../../src/envelope/data-id.ts'
import { FrameWriter } from '../../src/envelope/frame.ts'
import type { Roll } from '../../src/storage/storage.ts'
import type { RecordBatch } from '../../src/stream/stream.ts'
import { type Topic, topic } from '../../src/stream/topic.ts'

export const NOON_MS = Date.UTC(2026, 0, 31, 12)
export const HOUR_MS = 3_600_000

export const readings = topic('readings', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })

/** What is given of one datum; the rest is made up from its number, the same each time. */
export interface Given {
  readonly key?: string
  readonly createdMs?: number
  readonly data?: unknown
  /** Instead of `data`: the bytes as they are, and what they are. */
  readonly raw?: string | Uint8Array
  readonly contentType?: string
  readonly source?: string
}

/** A partition's data [first, first + count), in batches of 50. */
export function batchesOf(count: number, of: (i: number) => Given = () => ({}), first = 0, topicName = 'readings'): RecordBatch[] {
  const batches: RecordBatch[] = []
  const writer = new FrameWriter()
  let batchFirst = first
  for (let i = first; i < first + count; i++) {
    const given = of(i)
    const key = given.key ?? `station-${i % 5}`
    writer.add({
      id: suppliedId('test', `${i}`),
      idAt: 0,
      supplied: true,
      source: Buffer.from(given.source ?? 'meter'),
      createdMs: given.createdMs ?? NOON_MS + i,
      contentType: given.contentType ?? 'application/json',
      type: '',
      key,
      parents: new Uint8Array(0),
      data: given.raw ?? JSON.stringify(given.data ?? { station: key, megawatts: i / 2 }),
    })
    if (writer.count === 50 || i === first + count - 1) {
      const taken = writer.take()
      batches.push({ topic: topicName, partition: 0, first: batchFirst, appendedMs: NOON_MS, ...taken })
      batchFirst += taken.count
    }
  }
  return batches
}

/** The id that {@link batchesOf} gives to the datum at an offset. */
export function idOf(offset: number): string {
  return formatId(suppliedId('test', `${offset}`), 0)
}

export function idsOf(first: number, end: number): string[] {
  return Array.from({ length: end - first }, (_, i) => idOf(first + i)).sort()
}

export function rollOf(first: number, end: number, more: Partial<Roll> = {}): Roll {
  return { topic: readings, types: new Map<string, Topic>(), partition: 0, first, end, writer: '01234567', resumed: false, ...more }
}

export async function* stream(batches: Iterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  yield* batches
}

export function never(): AbortSignal {
  return new AbortController().signal
}
