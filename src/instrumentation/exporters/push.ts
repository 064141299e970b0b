import { MetricReader } from '@opentelemetry/sdk-metrics'
import type { Clock } from '../../clock.ts'
import type { MetricsExporter } from './exporter.ts'

/** Time in all for one collection. */
const COLLECT_TIMEOUT_MS = 5_000
/** What the last metrics of a process that stops may take. */
const LAST_MS = 1_000

export interface PushOptions {
  readonly exporter: MetricsExporter
  readonly clock: Clock
  readonly maxSeries: number
  /** Told of every delivery: why it failed, or undefined where it has arrived. */
  readonly delivered: (exporter: MetricsExporter, error: unknown) => void
}

/** Read when asked, by whoever asks: no server and no timer of its own. */
export class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/**
 * Sends the metrics to an exporter at its interval, never twice at once: what waits for a receiver that is away is one collection, and the next
 * has the same sums or later ones.
 */
export class Push {
  readonly reader: PullReader
  readonly #options: PushOptions
  #cancel: () => void
  #sending: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: PushOptions) {
    const { exporter, maxSeries } = options
    this.#options = options
    this.reader = new PullReader({
      aggregationTemporalitySelector: instrument => exporter.temporality(instrument),
      cardinalitySelector: () => maxSeries,
    })
    this.#cancel = this.#plan()
  }

  /** What has happened since the last time goes out, if the receiver takes it at once. Before the reader is shut down. */
  async close(): Promise<void> {
    const { exporter, clock } = this.#options
    this.#closed = true
    this.#cancel()
    const last = this.#sending.then(() => this.#send())
    const late = new AbortController()
    await Promise.race([last, clock.sleep(LAST_MS, late.signal).catch(() => undefined)])
    late.abort()
    await exporter.close()
  }

  #plan(): () => void {
    const { clock, exporter } = this.#options
    return clock.after(exporter.intervalMs, () => {
      this.#sending = this.#send().finally(() => {
        if (!this.#closed) this.#cancel = this.#plan()
      })
    })
  }

  async #send(): Promise<void> {
    const { exporter, delivered } = this.#options
    try {
      // What could not be observed is missing; who measures the engine says why.
      const { resourceMetrics } = await this.reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS })
      await exporter.send(resourceMetrics)
      delivered(exporter, undefined)
    } catch (error) {
      delivered(exporter, error)
    }
  }
}
