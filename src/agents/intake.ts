import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import { failpoint } from '../engine/failpoint.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Lease, RecordBatch, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion, ClaimStates } from '../trace/trace.ts'

/** About 2,000 data of 250 bytes. */
const FETCH_BYTES = 512 * 1024
/** One being worked on, one fetched ahead while it is. */
const MAX_BATCHES = 2

/** Data fetched and claimed, the cursor before the first that is wanted. */
interface Hand {
  readonly cursor: FrameCursor
  readonly states: ClaimStates
  readonly first: number
  readonly end: number
  readonly claimedMs: number
  readonly appendedMs: number
}

/** The data of one partition on their way to the handler: fetched ahead, claimed a batch at a time, given out one by one. */
export class Intake {
  readonly #engine: Pick<Engine, 'claim'>
  readonly #clock: Clock
  readonly #agent: AgentVersion
  readonly #lease: Lease
  readonly #place: TopicPartition
  readonly #expired: (first: number, end: number) => void
  readonly #changed: () => void
  readonly #failed: (error: unknown) => void
  #hands: Hand[] = []
  #fetching = false
  /** The next offset to fetch. */
  #ahead: number
  #offset: number

  constructor(options: {
    readonly engine: Pick<Engine, 'claim'>
    readonly clock: Clock
    readonly agent: AgentVersion
    readonly lease: Lease
    readonly place: TopicPartition
    readonly from: number
    /** Retention has passed the data [first, end) before they were read. */
    readonly expired: (first: number, end: number) => void
    readonly changed: () => void
    readonly failed: (error: unknown) => void
  }) {
    this.#engine = options.engine
    this.#clock = options.clock
    this.#agent = options.agent
    this.#lease = options.lease
    this.#place = options.place
    this.#ahead = options.from
    this.#offset = options.from
    this.#expired = options.expired
    this.#changed = options.changed
    this.#failed = options.failed
  }

  /** The offset of the next datum to be given out. */
  get position(): number {
    return this.#offset
  }

  get ready(): boolean {
    return this.#hands.length > 0
  }

  get claimedMs(): number {
    return this.#hands[0]!.claimedMs
  }

  get appendedMs(): number {
    return this.#hands[0]!.appendedMs
  }

  /** Fetches ahead where there is room for it. Returns at once. */
  want(): void {
    if (this.#fetching || this.#hands.length >= MAX_BATCHES) return
    this.#fetching = true
    this.#fetch().then(
      () => {
        this.#fetching = false
        this.#changed()
      },
      error => this.#failed(error),
    )
  }

  /** Gives the next datum out: the cursor stands on it, and says what was claimed of it. Only when {@link ready}. */
  next(): { readonly cursor: FrameCursor; readonly claim: number; readonly offset: number } {
    const hand = this.#hands[0]!
    hand.cursor.next()
    const offset = this.#offset++
    return { cursor: hand.cursor, claim: hand.states[offset - hand.first]!, offset }
  }

  /** The datum given out last is dealt with. @returns the first offset of its batch where it was the last of it: that is let go. */
  release(): number | undefined {
    const { first, end } = this.#hands[0]!
    if (this.#offset < end) return undefined
    this.#hands.shift()
    this.#passTo(this.#hands[0]?.first ?? this.#ahead)
    return first
  }

  async #fetch(): Promise<void> {
    const batch = await this.#lease.fetch(this.#place, this.#ahead, FETCH_BYTES)
    if (batch === undefined) return
    if (batch.count === 0) {
      this.#ahead = batch.first
      if (this.#hands.length === 0) this.#passTo(batch.first)
      return
    }
    const first = Math.max(this.#ahead, batch.first)
    const claimedMs = this.#clock.now()
    const states = await this.#engine.claim(this.#agent, batch, first, claimedMs)
    failpoint('after-claim')
    this.#ahead = batch.first + batch.count
    const hand = { cursor: cursorBefore(batch, first), states, first, end: this.#ahead, claimedMs, appendedMs: batch.appendedMs }
    this.#hands.push(hand)
    if (this.#hands.length === 1) this.#passTo(first)
  }

  /** What lies between the last datum given out and the next that there is has expired. */
  #passTo(offset: number): void {
    if (offset > this.#offset) this.#expired(this.#offset, offset)
    this.#offset = offset
  }
}

function cursorBefore(batch: RecordBatch, first: number): FrameCursor {
  const cursor = new FrameCursor(batch.frames, batch.ascii)
  for (let offset = batch.first; offset < first; offset++) cursor.next()
  return cursor
}
