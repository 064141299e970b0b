import type { FastifyReply } from 'fastify'
import { MillraceError } from '../../errors.ts'
import { problemOf } from '../../frontend/problem.ts'
import { TokenBucket } from '../../token-bucket.ts'
import { EventStream, eventText } from '../live/event-stream.ts'
import type { OpsContext } from '../server.ts'
import { seenAt } from '../shown.ts'
import type { Filter } from './filter.ts'
import { Tail } from './tail.ts'

/** A look at least so often: what is sent is seen in under a second. */
const LOOK_MS = 200
const COUNT_MS = 1_000
const MAX_TAILS = 16
/** Read from the log each second: by one tail, and by all of them together. The main thread does it, beside the front end. */
const TAIL_BYTES = 4_194_304
const ALL_BYTES = 8_388_608

export interface TailAsked {
  readonly topic: string
  readonly from: readonly number[]
  readonly ends: readonly number[]
  readonly filter: Filter | undefined
  readonly perSecond: number
}

/** The tails that run, each an event stream of its own. */
export class Tails {
  readonly #context: OpsContext
  readonly #running = new Map<EventStream, TokenBucket>()

  constructor(context: OpsContext) {
    this.#context = context
  }

  /** @throws OVERLOADED when {@link MAX_TAILS} run. */
  checkRoom(): void {
    if (this.#running.size < MAX_TAILS) return
    throw new MillraceError('OVERLOADED', `${MAX_TAILS} tails are running.`, { fix: 'Close one, or ask again.' })
  }

  /** Runs until the reader goes. @throws OVERLOADED */
  start(asked: TailAsked, reply: FastifyReply): void {
    this.checkRoom()
    const { clock } = this.#context
    const stream = new EventStream(reply, () => {
      cancel()
      this.#running.delete(stream)
      this.#share()
    })
    const bytes = new TokenBucket(TAIL_BYTES, clock)
    this.#running.set(stream, bytes)
    this.#share()
    const tail = new Tail({
      ...{ topic: asked.topic, from: asked.from, ends: asked.ends, filter: asked.filter, bytes },
      rate: new TokenBucket(asked.perSecond, clock),
      see: cursor => seenAt(cursor, asked.topic, this.#context),
      show: datum => stream.send(eventText('datum', datum)),
      canShow: () => stream.hasRoom,
    })
    // A partition costs a question each time.
    const everyMs = Math.max(LOOK_MS, asked.from.length)
    let countedMs = clock.now()
    let cancel = (): void => undefined
    const turn = async () => {
      const looked = await this.#look(tail, stream)
      if (clock.now() - countedMs >= COUNT_MS && stream.drained(clock.now())) {
        countedMs = clock.now()
        stream.send(eventText('count', tail.count()))
      }
      if (this.#running.has(stream)) cancel = clock.after(looked ? everyMs : COUNT_MS, () => void turn())
    }
    void turn()
  }

  close(): void {
    for (const stream of this.#running.keys()) stream.end()
  }

  /** @returns whether it could; the reader is told why not. */
  async #look(tail: Tail, stream: EventStream): Promise<boolean> {
    try {
      await tail.look(this.#context.engine)
      return true
    } catch (error) {
      if (!this.#running.has(stream)) return false
      const known = error instanceof MillraceError ? error : new MillraceError('ENGINE_FAILED', 'It could not be read.', { cause: error })
      if (stream.drained(this.#context.clock.now())) stream.send(eventText('problem', problemOf(known)))
      return false
    }
  }

  #share(): void {
    const each = Math.min(TAIL_BYTES, ALL_BYTES / Math.max(1, this.#running.size))
    for (const bytes of this.#running.values()) bytes.perSecond = each
  }
}
