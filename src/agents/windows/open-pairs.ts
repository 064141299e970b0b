import { MillraceError } from '../../errors.ts'
import { Deadlines } from './deadlines.ts'
import { EventTime, sayTime } from './event-time.ts'
import type { Join } from './join.ts'
import { MAX_WINDOW_BYTES } from './open-windows.ts'
import type { Refusal } from './refusal.ts'

/** What waits for its partners, of one partition. Beyond it the oldest are let go, and what they could have met is late. */
const MAX_HELD_BYTES = 32_000_000
/** One datum of two that make a pair. */
const MAX_DATUM_BYTES = MAX_WINDOW_BYTES / 2
/** All pairs of one datum. */
const MAX_PAIRS_BYTES = 32_000_000
/** What a datum takes beside its text: its id, its place in lists. */
const AROUND_BYTES = 100

/** A datum of one side. */
export interface HeldSide {
  readonly key: string
  /** 0 left, 1 right. */
  readonly side: 0 | 1
  /** 16 characters, a byte each. */
  readonly id: string
  readonly createdMs: number
  /** Its place in the order of arrival. */
  readonly turn: number
  /** From here on nothing that comes can meet it. */
  readonly endMs: number
  readonly text: string
  readonly bytes: number
}

/** The partners of a datum, in the order in which they came; or why it meets none. */
export interface Met {
  readonly partners: readonly HeldSide[]
  readonly refusal: Refusal | undefined
}

/** What a snapshot keeps. */
interface Saved {
  readonly withinMs: number
  readonly latenessMs: number
  readonly watermarksMs: readonly [number, number]
  readonly floorsMs: readonly [number, number]
  /** In the order in which they came. */
  readonly held: readonly HeldSide[]
}

/**
 * The data of one partition that wait for their partners, by key. Of two that match the one that comes second finds the first, so each pair is
 * found once. Data come in the order of one log and are forgotten by their own time, so it can be built again.
 */
export class OpenPairs {
  readonly #join: Join
  /** Of each side: the one that is behind holds back the watermark, for its data have partners among the other's. */
  readonly #times: readonly [EventTime, EventTime]
  readonly #keys = new Map<string, [HeldSide[], HeldSide[]]>()
  readonly #deadlines = new Deadlines<HeldSide>()
  /** Of each side: what was created before it may miss one of the other side that was let go for want of memory. */
  readonly #floorsMs: [number, number]
  /** That declared, but while the log after a snapshot is folded: there that of the snapshot. */
  #latenessMs: number
  #turn = 0
  #data = 0
  #bytes = 0

  constructor(join: Join, saved?: Saved) {
    const [left, right] = saved?.watermarksMs ?? []
    this.#join = join
    this.#times = [new EventTime(left), new EventTime(right)]
    this.#latenessMs = saved?.latenessMs ?? join.latenessMs
    this.#floorsMs = [...(saved?.floorsMs ?? NO_FLOORS)]
    for (const held of saved?.held ?? []) {
      this.#hold(held)
      this.#turn = held.turn + 1
    }
  }

  get size(): number {
    return this.#data
  }

  /** What of a side was created before it is late. */
  lateBeforeMs(side: 0 | 1): number {
    return Math.max(this.#floorsMs[side], this.#watermarkMs)
  }

  get #watermarkMs(): number {
    return Math.min(this.#times[0].watermarkMs, this.#times[1].watermarkMs)
  }

  take(datum: Omit<HeldSide, 'turn' | 'endMs' | 'bytes'>): Met {
    const { withinMs } = this.#join
    const bytes = Buffer.byteLength(datum.text) + AROUND_BYTES
    if (bytes > MAX_DATUM_BYTES) return refusing(full(`The datum has ${bytes} bytes, and a pair has room for ${MAX_DATUM_BYTES} of each.`))
    if (datum.createdMs < this.lateBeforeMs(datum.side)) return refusing(this.#late(datum))
    const sides = this.#keys.get(datum.key)
    // A copy that came too late to be remembered: its pairs are put out.
    if (sides?.[datum.side].some(({ id }) => id === datum.id)) return NOTHING
    const others = sides?.[datum.side === 0 ? 1 : 0] ?? []
    const partners = others.filter(other => Math.abs(other.createdMs - datum.createdMs) <= withinMs)
    const pairsBytes = partners.reduce((sum, partner) => sum + partner.bytes + bytes, 0)
    if (pairsBytes > MAX_PAIRS_BYTES)
      return refusing(full(`The datum meets ${partners.length} others of ${JSON.stringify(datum.key)}: ${pairsBytes} bytes of pairs.`))
    this.#hold({ ...datum, turn: this.#turn++, bytes, endMs: datum.createdMs + withinMs })
    this.#times[datum.side].advance(datum.createdMs, this.#latenessMs)
    this.#forget()
    return { partners, refusal: undefined }
  }

  /** The log up to the agent's place is folded in: from here on by what is declared. @returns whether that is something else. */
  begin(): boolean {
    const before = this.#latenessMs
    this.#latenessMs = this.#join.latenessMs
    return this.#latenessMs !== before
  }

  save(): Saved {
    return {
      withinMs: this.#join.withinMs,
      latenessMs: this.#latenessMs,
      watermarksMs: [this.#times[0].watermarkMs, this.#times[1].watermarkMs],
      floorsMs: [...this.#floorsMs],
      held: [...this.#keys.values()].flat(2).sort((a, b) => a.turn - b.turn),
    }
  }

  /** @throws GRAPH_INVALID where it was saved by a join of other times. */
  static load(join: Join, kept: unknown): OpenPairs {
    // Only save() writes it.
    const saved = kept as Saved
    if (saved.withinMs === join.withinMs) return new OpenPairs(join, saved)
    throw new MillraceError(
      'GRAPH_INVALID',
      `The join of version ${join.version} was within ${saved.withinMs} ms, and is within ${join.withinMs} ms now.`,
      { fix: `Another join is another version: { version: ${join.version + 1} } beside its 'within'.` },
    )
  }

  #hold(held: HeldSide): void {
    const sides = this.#keys.get(held.key) ?? [[], []]
    this.#keys.set(held.key, sides)
    sides[held.side].push(held)
    this.#deadlines.add(held)
    this.#data++
    this.#bytes += held.bytes
  }

  #forget(): void {
    while (this.#deadlines.nextMs < this.#watermarkMs) this.#letGo(this.#deadlines.take())
    while (this.#bytes > MAX_HELD_BYTES) {
      const oldest = this.#deadlines.take()
      this.#letGo(oldest)
      // What it could have met is late from here on: that is said of each of them, and none is left out in silence.
      const other = oldest.side === 0 ? 1 : 0
      this.#floorsMs[other] = Math.max(this.#floorsMs[other], oldest.endMs + 1)
    }
  }

  #letGo(held: HeldSide): void {
    const sides = this.#keys.get(held.key)!
    const own = sides[held.side]
    own.splice(own.indexOf(held), 1)
    if (sides[0].length === 0 && sides[1].length === 0) this.#keys.delete(held.key)
    this.#data--
    this.#bytes -= held.bytes
  }

  #late({ createdMs, key, side }: Pick<HeldSide, 'createdMs' | 'key' | 'side'>): Refusal {
    const topic = side === 0 ? this.#join.left : this.#join.right
    const beforeMs = this.lateBeforeMs(side)
    return {
      code: 'WINDOW_CLOSED',
      what: `The datum of ${sayTime(createdMs)} of ${JSON.stringify(key)} is late: what it would meet is let go, for the watermark of '${topic.name}' stands at ${sayTime(beforeMs)}.`,
      fix: `Raise the join's lateness, now ${this.#latenessMs} ms, or name a topic for late data: { late: lateData }.`,
    }
  }
}

function full(what: string): Refusal {
  return { code: 'WINDOW_FULL', what, fix: 'Join smaller data, or fewer: a shorter within, a key that tells more apart.' }
}

function refusing(refusal: Refusal): Met {
  return { partners: NONE, refusal }
}

const NO_FLOORS = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY] as const
const NONE: readonly HeldSide[] = Object.freeze([])
const NOTHING: Met = { partners: NONE, refusal: undefined }
