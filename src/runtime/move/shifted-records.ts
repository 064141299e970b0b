import { type PlaceRange, REPLAYS, type ReplayEvent } from '../../agents/replay-log.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { rewrite } from '../../envelope/rewrite.ts'
import type { RecordBatch, TopicPartition } from '../../stream/stream.ts'
import { type Decision, VERSIONS } from '../../versions/decision.ts'

/**
 * What Millrace has written down of data by their offsets (how far a replay is, up to where an agent that ends is still to handle), by the offsets
 * that the data have at the target. As it was, a replay would go on behind data that nobody has looked at, and a drain wait for data that never come.
 */
export class ShiftedRecords {
  readonly #bases: ReadonlyMap<string, number>
  /** Of each replay: what says how far it is names them by their index. */
  readonly #ranges = new Map<number, readonly PlaceRange[]>()

  constructor(places: readonly (TopicPartition & { readonly base: number })[]) {
    this.#bases = new Map(places.map(({ topic, partition, base }) => [`${topic}/${partition}`, base]))
  }

  /** @param batch the next of its partition; one of a topic that holds no such records stays as it is. */
  of(batch: RecordBatch): RecordBatch {
    const { topic } = batch
    if (topic !== REPLAYS.name && topic !== VERSIONS.name) return batch
    const frames: Uint8Array[] = []
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      // Only ReplayLog and VersionLog write there, notes of these types.
      const record: unknown = JSON.parse(cursor.dataText)
      const shifted =
        topic === REPLAYS.name ? this.#replay(record as ReplayEvent, batch.first + cursor.index + 1) : this.#decision(record as Decision)
      const { key, contentType } = cursor
      frames.push(rewrite(cursor.frame, { key, contentType, data: Buffer.from(JSON.stringify(shifted)) }))
    }
    return { ...batch, frames: Buffer.concat(frames) }
  }

  #replay(event: ReplayEvent, number: number): ReplayEvent {
    if (event.kind === 'begun') {
      const { chosen } = event
      this.#ranges.set(number, chosen.ranges)
      const ranges = chosen.ranges.map(range => ({ ...range, first: this.#at(range, range.first), end: this.#at(range, range.end) }))
      return { ...event, chosen: { ...chosen, ranges } }
    }
    if (event.kind === 'ended') return event
    const { at, put } = event
    const range = this.#ranges.get(event.replay)?.[at.range]
    return {
      ...event,
      at: range === undefined ? at : { ...at, offset: this.#at(range, at.offset) },
      put: { ...put, end: this.#at({ topic: put.topic, partition: 0 }, put.end) },
    }
  }

  #decision(decision: Decision): Decision {
    if (decision.kind !== 'decommission' || decision.until === undefined) return decision
    const until = Object.entries(decision.until).map(([topic, offsets]) => [
      topic,
      offsets.map((offset, partition) => this.#at({ topic, partition }, offset)),
    ])
    return { ...decision, until: Object.fromEntries(until) }
  }

  /** Where the target has what lies at an offset of the source; 0 where that has expired. */
  #at({ topic, partition }: TopicPartition, offset: number): number {
    return Math.max(0, offset - (this.#bases.get(`${topic}/${partition}`) ?? 0))
  }
}
