import type { FastifyReply } from 'fastify'
import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import { problemOf } from '../../frontend/problem.ts'
import { EventStream, eventText } from './event-stream.ts'
import { mergePatch } from './merge-patch.ts'

const EVERY_MS = 1_000
const MAX_READERS = 64

interface Reader {
  readonly stream: EventStream
  /** new: told nothing yet. current: it has the last value, so that a change means something to it. behind: it has not. */
  state: 'new' | 'current' | 'behind'
}

/**
 * One value, told to everyone who listens: whole at first, then once a second what has changed. It is made once for all of them, and not at
 * all while nobody listens. Who is too slow is passed over, and told all of it once that can be taken: each costs one value at most.
 */
export class Broadcast<Value extends { readonly at: string }> {
  readonly #make: () => Promise<Value>
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #readers = new Set<Reader>()
  #last: Value | undefined
  #failed = false
  #making = false
  #cancel: (() => void) | undefined

  /** @param onError told when it could not be made, once until it can again. */
  constructor(make: () => Promise<Value>, clock: Clock, onError: (error: unknown) => void) {
    this.#make = make
    this.#clock = clock
    this.#onError = onError
  }

  /** @throws OVERLOADED when {@link MAX_READERS} listen. */
  add(reply: FastifyReply): void {
    if (this.#readers.size >= MAX_READERS)
      throw new MillraceError('OVERLOADED', `${MAX_READERS} readers are listening.`, { fix: 'Close a page that is open, or ask again.' })
    const reader: Reader = { stream: new EventStream(reply, () => this.#remove(reader)), state: 'new' }
    this.#readers.add(reader)
    if (this.#last !== undefined) this.#tellAll(reader, eventText('overview', this.#last))
    else if (!this.#making) this.#tick()
  }

  /** Ends every reader. */
  close(): void {
    for (const { stream } of this.#readers) stream.end()
    this.#readers.clear()
    this.#rest()
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size === 0) this.#rest()
  }

  /** What was made is old by the time that somebody listens again. */
  #rest(): void {
    this.#cancel?.()
    this.#last = undefined
    this.#failed = false
  }

  #tick(): void {
    this.#making = true
    this.#make()
      .then(
        value => this.#tell(value),
        (error: unknown) => this.#fail(error),
      )
      .finally(() => {
        this.#making = false
        if (this.#readers.size > 0) this.#cancel = this.#clock.after(EVERY_MS, () => this.#tick())
      })
  }

  #tell(value: Value): void {
    const before = this.#last
    this.#failed = false
    if (this.#readers.size === 0) return
    const patch = before === undefined ? undefined : mergePatch(before, value)
    // That time has passed is no change.
    const changed = patch !== undefined && Object.keys(patch).some(name => name !== 'at')
    this.#last = changed || before === undefined ? value : before
    const change = changed ? eventText('change', patch) : undefined
    const [quick, slow] = this.#byPace()
    if (changed) for (const reader of slow) reader.state = 'behind'
    const anew = quick.filter(({ state }) => state !== 'current')
    for (const { stream, state } of quick) {
      if (state !== 'current') continue
      if (change === undefined) stream.beat()
      else stream.send(change)
    }
    if (anew.length === 0) return
    const whole = eventText('overview', this.#last)
    for (const reader of anew) this.#tellAll(reader, whole)
  }

  #tellAll(reader: Reader, whole: string): void {
    reader.stream.send(whole)
    reader.state = 'current'
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#onError(error)
    this.#failed = true
    const known = error instanceof MillraceError ? error : new MillraceError('ENGINE_FAILED', 'It could not be asked.', { cause: error })
    const text = eventText('problem', problemOf(known))
    for (const reader of this.#byPace()[0]) {
      reader.stream.send(text)
      reader.state = 'behind'
    }
  }

  /** Those that have taken everything so far, and those that have not. */
  #byPace(): readonly [quick: readonly Reader[], slow: readonly Reader[]] {
    const nowMs = this.#clock.now()
    // Of a new one the beginning may be on its way, and it is told all the same.
    const { quick = [], slow = [] } = Object.groupBy(this.#readers, ({ stream, state }) =>
      state === 'new' || stream.drained(nowMs) ? 'quick' : 'slow',
    )
    return [quick, slow]
  }
}
