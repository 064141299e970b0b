import type { Engine } from '../engine/engine.ts'
import { type DataId, formatId, idTimeMs } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { IdSet } from '../envelope/id-set.ts'
import { knownRange } from '../stream/known-range.ts'
import { offsetSince } from '../stream/since.ts'
import type { Bounds, TopicPartition } from '../stream/stream.ts'

/** When a datum was appended, against the time in its id: clocks apart, a front end that was held up. */
const BEFORE_MS = 60_000
const AFTER_MS = 120_000
const READ_BYTES = 1024 * 1024

/** What a partition held before the import, and when that was appended. */
interface Held extends Bounds {
  readonly firstMs: number
  readonly lastMs: number
}

/** From the earliest to the latest time of ids that lie close to each other. */
interface Times {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Ids that a log has minted or derived itself. Nothing remembers them one by one, but their time says where in the log they can be: so much of
 * it is read as was appended around then, and nothing where the log holds nothing of that time, as when an archive is brought back.
 */
export class OwnIds {
  readonly #engine: Pick<Engine, 'read' | 'bounds'>
  readonly #bounds = new Map<string, readonly Bounds[]>()
  readonly #held = new Map<string, Held | undefined>()

  constructor(engine: Pick<Engine, 'read' | 'bounds'>) {
    this.#engine = engine
  }

  /**
   * Which of the framed data the log held already, before anything of its topic was asked for here, under an id that no producer gave.
   * @returns the first one met, with its offset.
   */
  async among(frames: Uint8Array, place: TopicPartition): Promise<{ readonly dataId: DataId; readonly offset: number } | undefined> {
    const held = await this.#heldAt(place)
    if (held === undefined) return undefined
    const { ids, times } = candidates(frames, held)
    for (const { fromMs, toMs } of clusters(times)) {
      const first = await offsetSince(this.#engine, place, held, fromMs - BEFORE_MS)
      for await (const batch of knownRange(this.#engine, place, { first, end: held.next }, { readBytes: READ_BYTES })) {
        if (batch.appendedMs > toMs + AFTER_MS) break
        const cursor = new FrameCursor(batch.frames, batch.ascii)
        while (cursor.next()) {
          if (cursor.isVoid || cursor.supplied || !ids.has(cursor.bytes, cursor.idAt)) continue
          return { dataId: formatId(cursor.bytes, cursor.idAt), offset: batch.first + cursor.index }
        }
      }
    }
    return undefined
  }

  /** Undefined where it held nothing. */
  async #heldAt(place: TopicPartition): Promise<Held | undefined> {
    const { topic, partition } = place
    const name = `${partition}/${topic}`
    if (this.#held.has(name)) return this.#held.get(name)
    let bounds = this.#bounds.get(topic)
    if (bounds === undefined) {
      // Of all partitions at once, while nothing is imported into any of them.
      bounds = await this.#engine.bounds(topic)
      this.#bounds.set(topic, bounds)
    }
    const own = bounds[partition]
    const held = own === undefined || own.first === own.next ? undefined : await this.#dated(place, own)
    this.#held.set(name, held)
    return held
  }

  async #dated({ topic, partition }: TopicPartition, { first, next }: Bounds): Promise<Held> {
    const oldest = await this.#engine.read(topic, partition, first, 1)
    const newest = await this.#engine.read(topic, partition, next - 1, 1)
    // Where a broker does not show one of them just now, any time is possible.
    return {
      first,
      next,
      firstMs: oldest.count === 0 ? Number.NEGATIVE_INFINITY : oldest.appendedMs,
      lastMs: newest.count === 0 ? Number.POSITIVE_INFINITY : newest.appendedMs,
    }
  }
}

/** Ids of the versions that a log gives, of a time that it holds something of: a UUIDv4 carries none, a hashed id a random one. */
function candidates(frames: Uint8Array, { firstMs, lastMs }: Held): { readonly ids: IdSet; readonly times: number[] } {
  const ids = new IdSet()
  const times: number[] = []
  const cursor = new FrameCursor(frames)
  while (cursor.next()) {
    const version = cursor.bytes[cursor.idAt + 6]! >> 4
    const timeMs = idTimeMs(cursor.bytes, cursor.idAt)
    if ((version !== 7 && version !== 8) || timeMs < firstMs - AFTER_MS || timeMs > lastMs + BEFORE_MS) continue
    if (ids.add(cursor.bytes, cursor.idAt)) times.push(timeMs)
  }
  return { ids, times }
}

/** Times so close that the log is read for them as one. */
function clusters(times: readonly number[]): Times[] {
  const found: Times[] = []
  for (const timeMs of times.toSorted((a, b) => a - b)) {
    const last = found.at(-1)
    if (last !== undefined && timeMs - last.toMs <= BEFORE_MS + AFTER_MS) found[found.length - 1] = { ...last, toMs: timeMs }
    else found.push({ fromMs: timeMs, toMs: timeMs })
  }
  return found
}
