import type { MillraceError } from '../../errors.ts'
import type { Assigned, Checkpoint, TopicPartition } from '../../stream/stream.ts'

/** One partition of the log: [`drained`, `next`) waits for the stream. */
export interface BacklogPlace {
  /** As the log names it, and as the stream does. */
  readonly logTopic: string
  readonly topic: string
  readonly partition: number
  /** As committed in the log: at or below `drained`. */
  checkpoint: Checkpoint
  drained: number
  next: number
  /** The stream has refused what is next here: not tried again before then, and alone. */
  refusedUntilMs: number | undefined
  /** When the stream refused data here for the first time. */
  refusedSinceMs: number | undefined
  /** The stream takes nothing here, whatever it is: until then nothing more is accepted for it either. */
  closed: { readonly error: MillraceError; readonly untilMs: number } | undefined
}

/** What of the log is not in the stream, partition by partition. Offsets are the log's. */
export class Backlog {
  readonly #places: BacklogPlace[] = []
  readonly #byTopic = new Map<string, BacklogPlace[]>()
  #waiting = 0
  #turn = 0

  /** Data that wait. */
  get waiting(): number {
    return Math.max(0, this.#waiting)
  }

  get isRefused(): boolean {
    return this.#places.some(place => place.refusedUntilMs !== undefined)
  }

  /** Takes on a partition; `next` is where the log ends there. Where it is known already, only its checkpoint is new. */
  assign({ topic: logTopic, partition, checkpoint }: Assigned, topic: string, next: number): void {
    const known = this.#byTopic.get(logTopic)?.[partition]
    if (known !== undefined) {
      known.checkpoint = checkpoint
      return
    }
    const place: BacklogPlace = {
      logTopic,
      topic,
      partition,
      checkpoint,
      drained: checkpoint.offset,
      next,
      refusedUntilMs: undefined,
      refusedSinceMs: undefined,
      closed: undefined,
    }
    this.#places.push(place)
    const places = this.#byTopic.get(logTopic) ?? []
    this.#byTopic.set(logTopic, places)
    places[partition] = place
    this.#waiting += next - checkpoint.offset
  }

  knows(logTopic: string): boolean {
    return this.#byTopic.has(logTopic)
  }

  /** The log has grown. Answers come in any order. */
  grown({ topic: logTopic, partition }: TopicPartition, next: number): void {
    const place = this.#byTopic.get(logTopic)?.[partition]
    if (place === undefined) throw new TypeError(`The backlog has no ${logTopic}/${partition}.`)
    if (next <= place.next) return
    this.#waiting += next - place.next
    place.next = next
  }

  /** The stream has everything below `offset`. It may lie beyond `next`: what was read may not have been acknowledged yet. */
  drained(place: BacklogPlace, offset: number): void {
    const next = Math.max(place.next, offset)
    this.#waiting += next - place.next - (offset - place.drained)
    place.next = next
    place.drained = offset
    place.refusedUntilMs = undefined
  }

  refused(place: BacklogPlace, nowMs: number, forMs: number): void {
    place.refusedUntilMs = nowMs + forMs
    place.refusedSinceMs ??= nowMs
  }

  /** Why nothing is accepted for a partition now; undefined where it is. */
  closedBy({ topic: logTopic, partition }: TopicPartition, nowMs: number): MillraceError | undefined {
    const closed = this.#byTopic.get(logTopic)?.[partition]?.closed
    return closed !== undefined && nowMs < closed.untilMs ? closed.error : undefined
  }

  /**
   * Partitions to be drained next, at most `count`, in turn. One whose data were refused comes alone, so that they hold up no others.
   */
  next(count: number, nowMs: number): BacklogPlace[] {
    const due: BacklogPlace[] = []
    const places = this.#places.length
    const from = this.#turn
    for (let i = 0; i < places && due.length < count; i++) {
      const at = (from + i) % places
      const place = this.#places[at]!
      if (place.drained >= place.next || (place.refusedUntilMs ?? 0) > nowMs) continue
      if (place.refusedUntilMs !== undefined && due.length > 0) continue
      due.push(place)
      this.#turn = at + 1
      if (place.refusedUntilMs !== undefined) break
    }
    return due
  }

  /** Partitions whose drained data are not committed. */
  uncommitted(): BacklogPlace[] {
    return this.#places.filter(place => place.drained > place.checkpoint.offset)
  }
}
