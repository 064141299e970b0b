import { hash, randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import { type Answer, type Destination, post } from './client.ts'
import type { InputDatum, InputRecord } from './lines.ts'
import type { Tally } from './tally.ts'

export interface SenderOptions {
  readonly to: Destination
  /** What the ids are made of beside line and content; undefined makes every run's data new ones. */
  readonly name: string | undefined
  /** Data a second at most. */
  readonly rate: number
  /** How long to go on trying when nothing is accepted. */
  readonly giveUpMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onWait: (why: string, ms: number) => void
}

/** What the front end takes at most is more than this; larger batches gain nothing. */
const BATCH_COUNT = 500
const BATCH_BYTES = 2_000_000
/** With a rate cap batches are small enough for so many a second, so that data flow instead of coming in gusts. */
const BATCHES_A_SECOND = 10
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

/**
 * Sends records batch after batch, in their order, each until every datum has a final receipt. A datum's id is made of the input's
 * name, its line and its content, so whatever is sent again, by this run or by another, is recognised.
 */
export class Sender {
  readonly tally: Tally
  readonly #options: SenderOptions
  readonly #name: string
  readonly #batchCount: number
  readonly #startedMs: number
  #sent = 0

  constructor(options: SenderOptions, tally: Tally) {
    this.#options = options
    this.tally = tally
    this.#name = options.name ?? randomUUID()
    this.#batchCount = Math.max(1, Math.min(BATCH_COUNT, Math.ceil(options.rate / BATCHES_A_SECOND)))
    this.#startedMs = options.clock.now()
  }

  /** Resolves when all of them are settled, or the signal has aborted. @throws what no other attempt would change. */
  async send(records: readonly InputRecord[]): Promise<void> {
    let batch: InputDatum[] = []
    let bytes = 0
    for (const record of records) {
      if ('problem' in record) {
        this.tally.reject({ line: record.line, issues: [{ path: '', message: record.problem }] })
        continue
      }
      if (batch.length === this.#batchCount || (batch.length > 0 && bytes + record.data.length > BATCH_BYTES)) {
        await this.#pace(batch)
        batch = []
        bytes = 0
      }
      batch.push(record)
      bytes += record.data.length
    }
    if (batch.length > 0) await this.#pace(batch)
  }

  async #pace(batch: readonly InputDatum[]): Promise<void> {
    const dueMs = this.#startedMs + (this.#sent / this.#options.rate) * 1_000
    await this.#sleep(dueMs - this.#options.clock.now())
    this.#sent += batch.length
    await this.#deliver(batch)
  }

  async #deliver(batch: readonly InputDatum[]): Promise<void> {
    const { clock, signal, giveUpMs, onWait, to } = this.#options
    let pending = batch
    let waitMs = FIRST_WAIT_MS
    let lastProgressMs = clock.now()
    while (pending.length > 0 && !signal.aborted) {
      const answer = await post(
        to,
        pending.map(datum => ({ id: this.#idOf(datum), data: datum.data })),
      )
      if (answer.kind === 'too large') return this.#divide(pending)
      const left = answer.kind === 'receipts' ? this.#settle(answer, pending) : pending
      if (left.length === 0) return
      if (left.length < pending.length) {
        lastProgressMs = clock.now()
        waitMs = FIRST_WAIT_MS
      }
      pending = left
      const why = answer.kind === 'again' ? answer.why : `${left.length} data are to be sent again`
      if (clock.now() - lastProgressMs > giveUpMs) throw gaveUp(to, why, giveUpMs, this.#options.name !== undefined)
      // Jitter: many producers that were cut off at once must not all return at once.
      const forMs = Math.max(answer.afterMs, waitMs * (0.5 + Math.random()))
      onWait(why, forMs)
      await this.#sleep(forMs)
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    }
  }

  /** Counts what is final; returns what must be sent again. */
  #settle(answer: Answer & { kind: 'receipts' }, batch: readonly InputDatum[]): InputDatum[] {
    this.tally.accepted += answer.accepted
    this.tally.duplicate += answer.duplicate
    this.tally.dataId = answer.dataId
    const again: InputDatum[] = []
    for (const failure of answer.failures) {
      const datum = batch[failure.index]!
      if (failure.retry) again.push(datum)
      else this.tally.reject({ line: datum.line, issues: failure.issues })
    }
    return again
  }

  async #divide(batch: readonly InputDatum[]): Promise<void> {
    const only = batch[0]!
    if (batch.length === 1)
      return this.tally.reject({ line: only.line, issues: [{ path: '', message: `too large: ${only.data.length} bytes` }] })
    const half = batch.length >> 1
    await this.#deliver(batch.slice(0, half))
    await this.#deliver(batch.slice(half))
  }

  #idOf(datum: InputDatum): string {
    const where = Buffer.from(`${this.#options.to.topic}\0${this.#name}\0${datum.line}\0`)
    return hash('sha256', Buffer.concat([where, datum.data]), 'hex').slice(0, 32)
  }

  async #sleep(ms: number): Promise<void> {
    const { clock, signal } = this.#options
    if (ms <= 0 || signal.aborted) return
    try {
      await clock.sleep(ms, signal)
    } catch (error) {
      // Interrupted: the loops above see the signal and end.
      if (!signal.aborted) throw error
    }
  }
}

function gaveUp(to: Destination, why: string, giveUpMs: number, recognised: boolean): MillraceError {
  return new MillraceError('SERVER_UNREACHABLE', `Nothing was accepted for ${giveUpMs / 1_000} s. ${why}.`.replace(/\.\.$/, '.'), {
    fix: `Is the pipeline running at ${to.url} (millrace dev pipeline.ts)? Run the same command again when it is${recognised ? ': what is stored already is not stored twice' : ''}.`,
  })
}
