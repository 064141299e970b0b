import { decode } from '../agents/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Roll, RollingStore, RollingWriter, RollPolicy } from '../storage/storage.ts'
import type { RecordBatch } from '../stream/stream.ts'

/** A datum that a storage agent has stored. */
export interface Stored {
  readonly topic: string
  readonly value: unknown
  readonly envelope: Envelope
}

/** Stands in for a storage agent's store in a test: rolls as that would, into memory. A range written again replaces itself, as files do. */
export class MemoryStore implements RollingStore {
  readonly kind = 'rolling'
  readonly describe = 'memory'
  readonly roll: RollPolicy
  readonly #ranges = new Map<string, readonly Stored[]>()

  constructor(roll: RollPolicy) {
    this.roll = roll
  }

  get stored(): readonly Stored[] {
    return [...this.#ranges.values()].flat()
  }

  open(): Promise<RollingWriter> {
    return Promise.resolve({ write: (roll, batches) => this.#write(roll, batches), close: () => Promise.resolve() })
  }

  async #write(roll: Roll, batches: AsyncIterable<RecordBatch>): ReturnType<RollingWriter['write']> {
    const stored: Stored[] = []
    const unstorable: { offset: number; reason: string }[] = []
    let bytes = 0
    for await (const batch of batches) {
      bytes += batch.frames.byteLength
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      for (let offset = batch.first; cursor.next(); offset++) {
        const topic = roll.types.get(cursor.type) ?? roll.topic
        const decoded = await decode(cursor, topic)
        if (decoded.error === undefined) stored.push({ topic: topic.name, value: decoded.value, envelope: cursor.envelope(topic.name) })
        else unstorable.push({ offset, reason: decoded.error.message })
      }
    }
    this.#ranges.set(`${roll.writer}/${roll.topic.name}/${roll.partition}/${roll.first}`, stored)
    return { files: 1, bytes, unstorable }
  }
}
