import type { Span, SpanExporter } from './otlp.ts'

export type SpanOutcome = 'sent' | 'failed' | 'dropped'

export interface SpanSenderOptions {
  readonly exporter: SpanExporter
  /** Told what became of so many spans, and why where they did not arrive. */
  readonly settled: (outcome: SpanOutcome, count: number, error?: unknown) => void
}

const MAX_WAITING = 2_048
const SENT_AT_ONCE = 512

/** Spans on their way out: one delivery at a time, a bounded number behind it; the others are dropped and counted. */
export class SpanSender {
  readonly #options: SpanSenderOptions
  readonly #waiting: Span[] = []
  #sending: Promise<void> | undefined

  constructor(options: SpanSenderOptions) {
    this.#options = options
  }

  add(spans: readonly Span[]): void {
    const room = MAX_WAITING - this.#waiting.length
    this.#waiting.push(...spans.slice(0, room))
    if (spans.length > room) this.drop(spans.length - room)
  }

  drop(count: number): void {
    this.#options.settled('dropped', count)
  }

  /** Sends what waits, unless something is on its way. */
  flush(): void {
    if (this.#waiting.length === 0) return
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** What waits is sent if that takes no longer than what is on its way. */
  async close(): Promise<void> {
    await this.#sending
    if (this.#waiting.length > 0) await this.#send()
    await this.#options.exporter.close()
  }

  async #send(): Promise<void> {
    const spans = this.#waiting.splice(0, SENT_AT_ONCE)
    try {
      await this.#options.exporter.send(spans)
      this.#options.settled('sent', spans.length)
    } catch (error) {
      this.#options.settled('failed', spans.length, error)
    }
  }
}
