import { setTimeout as sleep } from 'node:timers/promises'

const STATIONS = 40
const LINES = 60
/** One request in three has no id of its own: sent again after a failure, it is another datum. */
const WITHOUT_ID_EVERY = 3
const PAUSE_MS = 20
const AGAIN_MS = 15
const REQUEST_MS = 10_000

interface Receipts {
  readonly receipts: readonly { readonly line: number; readonly data_id: string; readonly status: string; readonly detail?: string }[]
}

export interface Load {
  /** Data in a request. */
  readonly lines?: number
  /** Between two requests. */
  readonly pauseMs?: number
}

/** Sends batch after batch, sends again what was not acknowledged, as a real producer does, and remembers every acknowledgement. */
export class Producer {
  /** data_id of every datum that was acknowledged, with its number. */
  readonly acknowledged = new Map<string, number>()
  /** Numbers of data that were sent with an id of their own: each may be in the log once and no more. */
  readonly withId = new Set<number>()
  /** Answers by status, and connections that broke, as evidence that the fault was felt. */
  readonly answers = new Map<string, number>()
  readonly #url: () => Promise<string>
  readonly #name: string
  readonly #random: () => number
  readonly #lines: number
  readonly #pauseMs: number
  #next = 0
  /** Counted on when it is started again: a key is used for one body only. */
  #batch = 0
  #stopping = false
  #abandoned = false
  #running: Promise<void> = Promise.resolve()

  /** @param url where to send now; it changes with each restart. */
  constructor(name: string, url: () => Promise<string>, random: () => number, { lines = LINES, pauseMs = PAUSE_MS }: Load = {}) {
    this.#name = name
    this.#url = url
    this.#random = random
    this.#lines = lines
    this.#pauseMs = pauseMs
  }

  start(): void {
    this.#stopping = false
    this.#running = this.#run()
  }

  /** Sends until the batch in hand is acknowledged, then no more. @throws what makes a datum impossible to send. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  /** Gives up what is in hand. */
  abandon(): void {
    this.#abandoned = true
    this.#stopping = true
  }

  async #run(): Promise<void> {
    for (; !this.#stopping; this.#batch++) {
      const batch = this.#batch
      const withId = batch % WITHOUT_ID_EVERY !== 0
      const first = this.#next
      this.#next += this.#lines
      const lines = Array.from({ length: this.#lines }, (_, i) => {
        const station = `s${Math.floor(this.#random() * STATIONS)}`
        if (withId) this.withId.add(this.#number(first + i))
        return JSON.stringify({ station, n: this.#number(first + i), value: Math.floor(this.#random() * 1_000) })
      })
      await this.#deliver(lines.join('\n'), first, withId ? `${this.#name}-${batch}` : undefined)
      await sleep(this.#pauseMs)
    }
  }

  /** Numbers of different producers never meet. */
  #number(n: number): number {
    return Number(this.#name) * 1_000_000_000 + n
  }

  async #deliver(body: string, first: number, key: string | undefined): Promise<void> {
    while (!this.#abandoned) {
      const answer = await this.#post(body, key)
      if (answer !== undefined) {
        const open = answer.receipts.filter(receipt => !this.#note(receipt, first))
        if (open.length === 0) return
      }
      await sleep(AGAIN_MS)
    }
  }

  /** @returns whether the datum is acknowledged. */
  #note(receipt: Receipts['receipts'][number], first: number): boolean {
    if (receipt.status === 'rejected') throw new Error(`A good datum was rejected: ${receipt.detail}`)
    if (receipt.status === 'retry') return false
    this.acknowledged.set(receipt.data_id, this.#number(first + receipt.line - 1))
    return true
  }

  async #post(body: string, key: string | undefined): Promise<Receipts | undefined> {
    try {
      const response = await fetch(`${await this.#url()}/v1/topics/readings/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', ...(key === undefined ? {} : { 'idempotency-key': key }) },
        body,
        signal: AbortSignal.timeout(REQUEST_MS),
      })
      this.#count(String(response.status))
      const answer: unknown = await response.json()
      return typeof answer === 'object' && answer !== null && 'receipts' in answer ? (answer as Receipts) : undefined // the documented answer
    } catch (error) {
      if (!(error instanceof Error)) throw error
      // The process died, or is not there yet.
      this.#count('broken')
      return undefined
    }
  }

  #count(answer: string): void {
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
  }
}
