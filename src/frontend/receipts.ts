import { formatId, formatIds, ID_BYTES, ID_CHARACTERS } from '../envelope/data-id.ts'
import type { MillraceError } from '../errors.ts'
import { DUPLICATE, STORED, TAKEN } from './gathering.ts'
import type { Tally } from './ingested.ts'
import type { Producer } from './producer.ts'
import { type Raw, Rejections } from './rejections.ts'
import type { Route } from './routes.ts'

/** Beside STORED, DUPLICATE and TAKEN: it never went into the append; it went, and what came of it is not known. */
const REJECTED = 3
const RETRY = 4
const STATUS = ['accepted', 'duplicate', 'rejected', 'rejected', 'retry'] as const

export const ID_TAKEN_DETAIL = 'Another source has used this data_id.'
const ID_TAKEN = { code: 'ID_TAKEN', message: ID_TAKEN_DETAIL, issues: undefined } as const

/** How a receipt goes on after `"status":"`. */
const ENDS = STATUS.map((status, code) => `${status}"${code === TAKEN ? `,"code":"ID_TAKEN","detail":"${ID_TAKEN_DETAIL}"` : ''}}`)

/** The receipt of one datum that is in the stream, now or since before. */
export function receiptJson(id: Uint8Array, route: Route, partition: number, status: 'accepted' | 'duplicate'): string {
  return `{"data_id":"${formatId(id, 0)}${route.receipts[partition]}${status}"}`
}

/** The receipts of a batch, filled in as it is judged and then stored; index by index, without an object for each. */
export class Receipts {
  readonly counts = { accepted: 0, duplicate: 0, rejected: 0, retry: 0 }
  /** 16 bytes for each datum. */
  readonly ids: Buffer
  readonly #status: Uint8Array
  readonly #routes: (Route | undefined)[]
  readonly #partitions: Uint16Array
  readonly #errors = new Map<number, MillraceError>()
  /** Indexes that went into the append, in its order. */
  readonly #appended: number[] = []
  readonly #number: (index: number) => number

  /** @param number a datum's number for people, by its index. */
  constructor(count: number, number: (index: number) => number) {
    this.#number = number
    this.ids = Buffer.allocUnsafe(count * ID_BYTES)
    this.#status = new Uint8Array(count)
    this.#routes = new Array<Route | undefined>(count)
    this.#partitions = new Uint16Array(count)
  }

  /** The datum is on its way into the stream. */
  appending(index: number, route: Route, partition: number): void {
    this.#appended.push(index)
    this.#routes[index] = route
    this.#partitions[index] = partition
  }

  /** @param route the datum's, where it has come so far. */
  reject(index: number, why: MillraceError, route: Route | undefined): void {
    this.#status[index] = REJECTED
    this.#errors.set(index, why)
    this.#routes[index] = route
    this.counts.rejected++
  }

  /** What became of those appended, in their order; undefined where that is not known or nothing was stored. */
  settle(outcome: Uint8Array | undefined): void {
    for (let i = 0; i < this.#appended.length; i++) {
      const status = outcome === undefined ? RETRY : outcome[i]!
      this.#status[this.#appended[i]!] = status
      this.counts[STATUS[status]!]++
    }
  }

  /** Adds them up by topic; data that name no topic there is belong to none. */
  tally(tally: Tally, producer: Producer): void {
    for (let index = 0; index < this.#status.length; index++) {
      const route = this.#routes[index]
      if (route !== undefined) tally.of(route, producer)[STATUS[this.#status[index]!]!]++
    }
  }

  /** Why data were rejected; undefined where none were. @param raw a datum as it was sent. */
  rejections(raw: (index: number) => Raw | undefined): Rejections | undefined {
    if (this.counts.rejected === 0) return undefined
    const rejections = new Rejections()
    for (let index = 0; index < this.#status.length; index++) {
      const status = this.#status[index]!
      if (status === REJECTED) rejections.add(this.#errors.get(index)!, this.#routes[index], () => raw(index))
      else if (status === TAKEN) rejections.add(ID_TAKEN, this.#routes[index], () => raw(index))
    }
    return rejections
  }

  /** A batch's answer as JSON text. @param failuresOnly leave out what is accepted or a duplicate. */
  json(failuresOnly: boolean): string {
    const { accepted, duplicate, rejected, retry } = this.counts
    const receipts = failuresOnly && rejected + retry === 0 ? '' : this.#receipts(failuresOnly)
    return `{"accepted":${accepted},"duplicate":${duplicate},"rejected":${rejected},"retry":${retry},"receipts":[${receipts}]}`
  }

  #receipts(failuresOnly: boolean): string {
    // Few pieces a receipt, and one join for all: putting text together is most of what receipts cost.
    const ids = formatIds(this.ids)
    const receipts: string[] = []
    for (let index = 0; index < this.#status.length; index++) {
      const status = this.#status[index]!
      if (failuresOnly && (status === STORED || status === DUPLICATE)) continue
      if (status === REJECTED) {
        receipts.push(this.#rejection(index))
        continue
      }
      const at = index * ID_CHARACTERS
      const place = this.#routes[index]!.receipts[this.#partitions[index]!]
      receipts.push(`{"line":${this.#number(index)},"data_id":"${ids.slice(at, at + ID_CHARACTERS)}${place}${ENDS[status]}`)
    }
    return receipts.join()
  }

  #rejection(index: number): string {
    const error = this.#errors.get(index)!
    const route = this.#routes[index]
    return JSON.stringify({
      line: this.#number(index),
      ...(route === undefined ? {} : { topic: route.name }),
      status: 'rejected',
      code: error.code,
      detail: error.message,
      ...(error.issues === undefined ? {} : { issues: error.issues }),
    })
  }
}
