import { ID_BYTES } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import type { Agent, FoldedAt } from '../agent.ts'
import { Deadlines } from './deadlines.ts'
import { aheadOf, EventTime, sayTime } from './event-time.ts'
import { exactJson } from './exact-json.ts'
import { keyOf } from './key-of.ts'
import { AROUND_DATUM_BYTES, type HeldDatum, NAMED_IDS, type OpenWindow } from './open-window.ts'
import { ahead, type Refusal } from './refusal.ts'
import { type Span, spansOf } from './spans.ts'
import type { TimeWindow } from './time-window.ts'
import { aroundBytes, grownBytes, wholeBytes } from './window-bytes.ts'

/** What a closed window may have as one datum on the stream: Kafka takes 1 MB unless it is told otherwise, a JSON envelope a third more than this. */
export const MAX_WINDOW_BYTES = 600_000
/**
 * Of one partition, all windows together, as they would be put out: one datum may close them all, and its agent's thread has the windows of several
 * partitions. A datum counts once for each window that it is in.
 */
const MAX_HELD_BYTES = 32_000_000
const MAX_OPEN_WINDOWS = 100_000

export interface WindowsOf {
  readonly window: TimeWindow
  readonly by: (datum: unknown) => string
  readonly state: Agent['state']
}

/** What became of a datum: the windows that its time has closed, in the order of their end, then key; and why it is not in all of its own. */
export interface Taken {
  readonly closed: readonly OpenWindow[]
  readonly refusal: Refusal | undefined
}

/** What of the options decides what becomes of a datum and may be changed: what was folded by the old ones is never folded again by the new. */
type Times = Pick<TimeWindow, 'latenessMs' | 'maxAheadMs'>

/** What a snapshot keeps: plain data. A datum that is in several windows is one object, and stays one. */
interface Saved {
  readonly shape: string
  readonly times: Times
  readonly watermarkMs: number
  readonly turn: number
  readonly windows: readonly OpenWindow[]
}

/** The open windows of one partition, by key: a fold over its log and of nothing else, so that they can be built again from it. */
export class OpenWindows {
  readonly #of: WindowsOf
  readonly #time: EventTime
  readonly #keys = new Map<string, OpenWindow[]>()
  readonly #deadlines = new Deadlines<OpenWindow>()
  #open = 0
  #data = 0
  #heldBytes = 0
  #turn = 0
  /** Those declared, but while the log after a snapshot is folded: there those of the snapshot. */
  #times: Times

  constructor(of: WindowsOf, saved?: Saved) {
    this.#of = of
    this.#time = new EventTime(saved?.watermarkMs)
    this.#times = saved?.times ?? timesOf(of)
    this.#turn = saved?.turn ?? 0
    const held = new Set<HeldDatum>()
    for (const window of saved?.windows ?? []) {
      this.#put(window)
      for (const datum of window.data) held.add(datum)
    }
    this.#data = held.size
  }

  /** How much a snapshot of it holds: data, and windows. */
  get size(): number {
    return this.#data + this.#open
  }

  /** Takes the next datum in. @throws what `by`, `init` and `update` throw, and where a value cannot be kept: then nothing has changed. */
  take(value: unknown, at: FoldedAt): Taken {
    const { window, by, state } = this.#of
    const { latenessMs, maxAheadMs } = this.#times
    const key = keyOf(by, value)
    const madeMs = aheadOf(maxAheadMs, at)
    if (madeMs !== undefined) return { closed: NONE, refusal: ahead(maxAheadMs, at.createdMs, madeMs) }

    const { open, closed } = spansOf(window, this.#keys.get(key) ?? [], at.createdMs, this.#time.watermarkMs)
    const late = closed === undefined ? undefined : this.#late(key, at.createdMs, closed, open.length)
    if (open.length === 0) return { closed: NONE, refusal: late }
    const datum = this.#datumOf(value, at)
    // All of them before any is kept: one that throws must leave nothing behind.
    const states =
      state === undefined ? [] : open.map(({ windows: [known] }) => state.update(known ? known.state : state.init(), value, at))
    const grown = open.map(({ windows: [known] }, i) => (state === undefined ? datum.bytes : grownBytes(known, states[i])))
    const full = this.#full(key, open, grown, at.createdMs)
    if (full !== undefined) return { closed: NONE, refusal: full }

    for (const [i, span] of open.entries()) this.#add(key, span, datum, states[i], grown[i]!)
    if (state === undefined) this.#data++
    this.#time.advance(at.createdMs, latenessMs)
    return { closed: this.#close(), refusal: late }
  }

  /** The log up to the agent's place is folded in: from here on by what is declared. @returns whether that is something else. */
  begin(): boolean {
    const { latenessMs, maxAheadMs } = this.#times
    this.#times = timesOf(this.#of)
    return this.#times.latenessMs !== latenessMs || this.#times.maxAheadMs !== maxAheadMs
  }

  save(): Saved {
    return {
      shape: shapeOf(this.#of),
      times: this.#times,
      watermarkMs: this.#time.watermarkMs,
      turn: this.#turn,
      windows: [...this.#keys.values()].flat(),
    }
  }

  /** @throws GRAPH_INVALID where it was saved by windows of another shape. */
  static load(of: WindowsOf, kept: unknown): OpenWindows {
    // Only save() writes it.
    const saved = kept as Saved
    const shape = shapeOf(of)
    if (saved.shape === shape) return new OpenWindows(of, saved)
    throw new MillraceError('GRAPH_INVALID', `The windows of version ${of.window.version} were ${saved.shape}, and are ${shape} now.`, {
      fix: `Other windows are another version: { version: ${of.window.version + 1} } beside their lateness.`,
    })
  }

  #datumOf(value: unknown, { id, idAt, createdMs }: FoldedAt): HeldDatum {
    const text = this.#of.state === undefined ? exactJson(value) : ''
    const bytes = Buffer.byteLength(text) + AROUND_DATUM_BYTES
    const name = Buffer.from(id.buffer, id.byteOffset + idAt, ID_BYTES).toString('latin1')
    return { id: name, createdMs, turn: this.#turn++, text, bytes, windows: 0 }
  }

  #add(key: string, { startMs, endMs, windows: [known, ...others] }: Span, datum: HeldDatum, state: unknown, grown: number): void {
    const window = known ?? this.#put({ key, startMs, endMs, ...EMPTY(), firstId: datum.id })
    window.startMs = startMs
    window.endMs = endMs
    for (const other of others) this.#absorb(window, other)
    window.count++
    this.#grow(window, grown)
    if (this.#of.state !== undefined) {
      window.state = state
      window.ids = (window.ids + datum.id).slice(-NAMED_IDS * ID_BYTES)
      return
    }
    datum.windows++
    window.data.push(datum)
  }

  /** Two sessions between which a datum came are one. */
  #absorb(window: OpenWindow, other: OpenWindow): void {
    this.#remove(other)
    window.data = [...window.data, ...other.data].sort((a, b) => a.turn - b.turn)
    window.firstId = window.data[0]?.id ?? window.firstId
    this.#grow(window, other.bytes)
    window.count += other.count
  }

  #put(window: OpenWindow): OpenWindow {
    const windows = this.#keys.get(window.key)
    if (windows === undefined) this.#keys.set(window.key, [window])
    else windows.push(window)
    this.#deadlines.add(window)
    this.#open++
    this.#heldBytes += wholeBytes(window)
    return window
  }

  #grow(window: OpenWindow, bytes: number): void {
    window.bytes += bytes
    this.#heldBytes += bytes
  }

  #remove(window: OpenWindow): void {
    const left = this.#keys.get(window.key)!.filter(other => other !== window)
    if (left.length === 0) this.#keys.delete(window.key)
    else this.#keys.set(window.key, left)
    window.isGone = true
    this.#open--
    this.#heldBytes -= wholeBytes(window)
  }

  #close(): readonly OpenWindow[] {
    const { watermarkMs } = this.#time
    if (this.#deadlines.nextMs > watermarkMs) return NONE
    const closed: OpenWindow[] = []
    while (this.#deadlines.nextMs <= watermarkMs) {
      const window = this.#deadlines.take()
      if (window.isGone) continue
      if (window.endMs > watermarkMs) {
        this.#deadlines.add(window)
        continue
      }
      this.#remove(window)
      closed.push(window)
      for (const datum of window.data) if (--datum.windows === 0) this.#data--
    }
    return closed.sort((a, b) => a.endMs - b.endMs || compare(a.key, b.key) || a.startMs - b.startMs)
  }

  /** @param grown by how much the datum makes each of its windows larger. */
  #full(key: string, open: readonly Span[], grown: readonly number[], createdMs: number): Refusal | undefined {
    const hasState = this.#of.state !== undefined
    for (const [i, { startMs, endMs, windows }] of open.entries()) {
      const bytes = windows.reduce((sum, window) => sum + window.bytes, grown[i]!)
      if (!hasState && bytes > MAX_WINDOW_BYTES)
        return full(`The window ${sayWindow(key, startMs, endMs)} would hold ${bytes} bytes, more than ${MAX_WINDOW_BYTES}.`, hasState)
    }
    const fresh = open.filter(({ windows }) => windows.length === 0).length
    const bytes = grown.reduce((sum, more) => sum + more, fresh * aroundBytes(key))
    if (this.#hasRoom(fresh, bytes, 0, 0)) return undefined
    // What the datum closes makes room: where it did not, windows that are full would stay open for ever.
    const closing = this.#closingBy(createdMs)
    const closingBytes = closing.reduce((sum, window) => sum + wholeBytes(window), 0)
    if (this.#hasRoom(fresh, bytes, closing.length, closingBytes)) return undefined
    return full(
      `The ${this.#open} open windows of this partition hold ${this.#heldBytes} bytes, and the datum needs ${bytes} in ${fresh} more: there is room for ${MAX_OPEN_WINDOWS} of ${MAX_HELD_BYTES}.`,
      hasState,
    )
  }

  #hasRoom(fresh: number, bytes: number, closing: number, closingBytes: number): boolean {
    if (fresh > 0 && this.#open - closing + fresh > MAX_OPEN_WINDOWS) return false
    return bytes <= 0 || this.#heldBytes - closingBytes + bytes <= MAX_HELD_BYTES
  }

  /** The open windows that end where a datum of this time moves the watermark to: none of them is its own. */
  #closingBy(createdMs: number): readonly OpenWindow[] {
    const watermarkMs = Math.max(this.#time.watermarkMs, createdMs - this.#times.latenessMs)
    if (this.#deadlines.nextMs > watermarkMs) return NONE
    return [...this.#keys.values()].flat().filter(({ endMs }) => endMs <= watermarkMs)
  }

  #late(key: string, createdMs: number, closed: Omit<Span, 'windows'>, open: number): Refusal {
    const also = open === 0 ? '' : ` It is in the ${open} of its windows that are open.`
    const which = sayWindow(key, closed.startMs, closed.endMs)
    return {
      code: 'WINDOW_CLOSED',
      what: `The datum of ${sayTime(createdMs)} is late: its window ${which} is closed, for the watermark stands at ${sayTime(this.#time.watermarkMs)}.${also}`,
      fix: `Raise the windows' lateness, now ${this.#times.latenessMs} ms, or name a topic for late data: { late: lateDemand }.`,
    }
  }
}

export function sayWindow(key: string, startMs: number, endMs: number): string {
  return `[${sayTime(startMs)}, ${sayTime(endMs)}) of ${JSON.stringify(key)}`
}

function full(what: string, hasState: boolean): Refusal {
  const fix = hasState
    ? 'Keep less in the states, let the windows be shorter, or give the topic more partitions.'
    : 'Keep a state for each window in place of its data (state: { init, update }), or let the windows be shorter.'
  return { code: 'WINDOW_FULL', what, fix }
}

function timesOf({ window: { latenessMs, maxAheadMs } }: WindowsOf): Times {
  return { latenessMs, maxAheadMs }
}

function shapeOf({ window: { shape, sizeMs, everyMs }, state }: WindowsOf): string {
  return `${shape} ${sizeMs} ms${shape === 'hopping' ? ` every ${everyMs} ms` : ''} ${state === undefined ? 'of data' : 'with a state'}`
}

/** Not by the locale: the order must be the same wherever the windows are built again. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const EMPTY = () => ({ data: [] as HeldDatum[], bytes: 0, state: undefined as unknown, count: 0, ids: '', isGone: false })
const NONE: readonly OpenWindow[] = Object.freeze([])
