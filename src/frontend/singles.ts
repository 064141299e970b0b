import type { Clock } from '../clock.ts'
import { ID_BYTES, mintInto } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { Stream } from '../stream/stream.ts'
import type { Incoming } from './datum.ts'
import type { Exchange } from './exchange.ts'
import { DUPLICATE, Gathering, STORED } from './gathering.ts'
import type { Ingested } from './ingested.ts'
import { appendError, appendStatus } from './problem.ts'
import type { Producer } from './producer.ts'
import { ID_TAKEN_DETAIL, receiptJson } from './receipts.ts'
import { Rejections } from './rejections.ts'

/** What a single's problem says of it beside RFC 9457's members: the receipt's status, as `status` is HTTP's there. */
export const REJECTED = '{"receipt":"rejected"}'
const RETRY = '{"receipt":"retry"}'

interface Waiting {
  readonly exchange: Exchange
  readonly datum: Incoming
  readonly producer: Producer
  readonly id: Uint8Array
  readonly partition: number
}

/** An append that served so many shows producers at work, whose next data are on their way: worth waiting a moment for. */
const MANY = 8
const LINGER_MS = 1

/**
 * Data that come one a request share appends: those of one turn of the event loop, and all that arrive while the stream is busy,
 * go together. So under load one commit serves many producers, and at rest a datum waits for nobody. One append at a time: two would
 * halve the groups and spare nobody a commit. After an append for many, the next waits until as many have come back, or for
 * {@link LINGER_MS}: without that, producers fall into two halves that take turns, and each commit, whose cost is the fsync's and
 * hardly depends on what is in it, serves half of them (measured
 * with 64 producers: groups of 32 without, of 58 with). What waits is bounded by the limits on requests and bytes in flight.
 */
export class Singles {
  readonly #stream: Pick<Stream, 'append'>
  readonly #ingested: Ingested
  readonly #clock: Clock
  #gathering = new Gathering()
  #waiting: Waiting[] = []
  #isBusy = false
  #scheduled = false
  /** How many the next append is worth waiting for. */
  #expected = 0
  #cancelLinger: (() => void) | undefined

  constructor(on: { stream: Pick<Stream, 'append'>; ingested: Ingested; clock: Clock }) {
    this.#stream = on.stream
    this.#ingested = on.ingested
    this.#clock = on.clock
  }

  /** Takes a judged datum; its exchange is answered when it is durable. */
  add(exchange: Exchange, producer: Producer, datum: Incoming, key: string | undefined): void {
    let id = datum.suppliedId
    if (id === undefined) {
      id = Buffer.allocUnsafe(ID_BYTES)
      mintInto(id, 0, this.#clock.now())
    }
    const { partitions } = datum.route
    const partition = key === undefined ? partitionOfId(id, 0, partitions) : partitionOfKey(key, partitions)
    this.#gathering.add(datum, partition, key, id, 0)
    this.#waiting.push({ exchange, datum, producer, id, partition })
    if (!this.#isBusy) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    if (this.#waiting.length < this.#expected) {
      this.#cancelLinger ??= this.#clock.after(LINGER_MS, () => {
        this.#expected = 0
        this.#schedule()
      })
      return
    }
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#expected = 0
    const gathering = this.#gathering
    const waiting = this.#waiting
    this.#gathering = new Gathering()
    this.#waiting = []
    this.#isBusy = true
    gathering.append(this.#stream).then(
      outcome => this.#settle(waiting, outcome),
      error => this.#fail(waiting, error),
    )
  }

  #settle(waiting: readonly Waiting[], outcome: Uint8Array): void {
    this.#isBusy = false
    if (waiting.length >= MANY) this.#expected = this.#waiting.length + waiting.length
    this.#schedule()
    this.#ingested.succeeded()
    const tally = this.#ingested.tally()
    const now = this.#clock.now()
    for (let i = 0; i < waiting.length; i++) {
      const { exchange, datum, producer, id, partition } = waiting[i]!
      const what = outcome[i]!
      const counts = tally.of(datum.route, producer)
      counts.bytes += datum.data.length
      counts.waited(now - exchange.arrivedMs)
      if (what === STORED) {
        counts.accepted++
        exchange.answer(202, receiptJson(id, datum.route, partition, 'accepted'))
      } else if (what === DUPLICATE) {
        counts.duplicate++
        exchange.answer(200, receiptJson(id, datum.route, partition, 'duplicate'))
      } else {
        counts.rejected++
        const why = idTaken()
        const rejections = new Rejections()
        rejections.add(why, datum.route, () => ({ data: datum.data, contentType: datum.contentType, isEnvelope: false }))
        this.#ingested.rejected(producer, rejections)
        exchange.refuse(why, REJECTED)
      }
    }
    tally.record()
  }

  #fail(waiting: readonly Waiting[], cause: unknown): void {
    this.#isBusy = false
    this.#schedule()
    const error = appendError(cause)
    this.#ingested.failed(error)
    const tally = this.#ingested.tally()
    for (const { exchange, datum, producer } of waiting) {
      const counts = tally.of(datum.route, producer)
      counts.bytes += datum.data.length
      counts.retry++
      exchange.refuse(error, RETRY, appendStatus(error))
    }
    tally.record()
  }
}

function idTaken(): MillraceError {
  return new MillraceError('ID_TAKEN', ID_TAKEN_DETAIL, {
    fix: 'Use a new UUID, or an id of your own that is not a UUID: those are told apart by their source.',
  })
}
