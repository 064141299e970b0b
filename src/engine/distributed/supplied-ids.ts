import type { Clock } from '../../clock.ts'
import { FrameCursor, hasSupplied } from '../../envelope/frame.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended } from '../../stream/stream.ts'
import { OTHER_SOURCE, SAME_SOURCE, type SharedTrace, UNKNOWN } from '../../trace/trace.ts'

/** The trace is asked for so long and no longer: a producer waits. */
const ASK_MS = 1_000
/** After the trace did not answer it is left alone for so long. */
const REST_MS = 2_000

const LATE = Symbol('late')

/** A batch without what is there already. */
export interface Checked extends Pick<Appended, 'duplicates' | 'taken'> {
  readonly batch: AppendBatch
  /** Whether there are supplied ids in what is left, to be noted once it is durable. */
  readonly supplied: boolean
}

/**
 * Recognises ids that producers have sent before. It is a courtesy to the producer, not what the guarantee stands on: a copy that gets in
 * (the trace is away or was lost, two send the same at once) is recognised by its id when it is read, whoever sent it.
 */
export class SuppliedIds {
  readonly #trace: Pick<SharedTrace, 'known' | 'note'>
  readonly #clock: Clock
  readonly #held: (error: MillraceError | undefined) => void
  #restUntilMs = 0
  #away = false

  /** @param held told when the trace does not answer, so that ids are not recognised, and with undefined when it does again. */
  constructor(trace: Pick<SharedTrace, 'known' | 'note'>, clock: Clock, held: (error: MillraceError | undefined) => void) {
    this.#trace = trace
    this.#clock = clock
    this.#held = held
  }

  async check(batch: AppendBatch): Promise<Checked> {
    if (!hasSupplied(batch.frames)) return { batch, duplicates: [], taken: [], supplied: false }
    const known = (await this.#ask(() => this.#trace.known(batch.frames, batch.count))) ?? new Uint8Array(batch.count).fill(UNKNOWN)
    return without(batch, known)
  }

  /** Remembers them: only what is durable by now. */
  async note(batch: AppendBatch, first: number): Promise<void> {
    await this.#ask(() => this.#trace.note({ ...batch, first, appendedMs: this.#clock.now() }))
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (this.#clock.now() < this.#restUntilMs) return undefined
    const asking = question()
    const late = Promise.withResolvers<typeof LATE>()
    const cancel = this.#clock.after(ASK_MS, () => late.resolve(LATE))
    try {
      const answer = await Promise.race([asking, late.promise])
      if (answer === LATE) return this.#rest(new MillraceError('TRACE_UNAVAILABLE', `The trace has not answered within ${ASK_MS} ms.`))
      if (this.#away) this.#held(undefined)
      this.#away = false
      return answer
    } catch (error) {
      // Whatever it says, what producers send is not refused for it: it may be durable already.
      if (!isMillraceError(error) || isMillraceError(error, 'ENGINE_CLOSED')) throw error
      return this.#rest(error)
    } finally {
      cancel()
      // Where it was late nobody waits for what it says in the end.
      asking.catch(() => undefined)
    }
  }

  #rest(error: MillraceError): undefined {
    this.#restUntilMs = this.#clock.now() + REST_MS
    if (!this.#away) this.#held(error)
    this.#away = true
  }
}

function without(batch: AppendBatch, known: Uint8Array): Checked {
  const duplicates: number[] = []
  const taken: number[] = []
  const kept: Uint8Array[] = []
  const seen = new Map<string, string>()
  const cursor = new FrameCursor(batch.frames)
  while (cursor.next()) {
    let state = known[cursor.index]!
    if (cursor.supplied && state === UNKNOWN) {
      // Twice in one batch: the first is new.
      const source = seen.get(cursor.dataId)
      if (source === undefined) seen.set(cursor.dataId, cursor.source)
      else state = source === cursor.source ? SAME_SOURCE : OTHER_SOURCE
    }
    if (state === SAME_SOURCE) duplicates.push(cursor.index)
    else if (state === OTHER_SOURCE) taken.push(cursor.index)
    else kept.push(cursor.frame)
  }
  if (kept.length === batch.count) return { batch, duplicates, taken, supplied: true }
  return { batch: { ...batch, frames: Buffer.concat(kept), count: kept.length }, duplicates, taken, supplied: kept.length > 0 }
}
