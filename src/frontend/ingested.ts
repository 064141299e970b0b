import type { Clock } from '../clock.ts'
import type { MillraceError } from '../errors.ts'
import type { IngestFact, Recorder } from '../instrumentation/recorder.ts'
import type { Producer } from './producer.ts'
import { type Rejections, reasonOf } from './rejections.ts'
import type { Route } from './routes.ts'

/** How long a failed append speaks against the front end when nothing has been tried since. */
const FAILURE_COUNTS_MS = 10_000

/** Reports what was taken in, once a request or once for a group of them, by topic and source. */
export class Ingested {
  readonly #recorder: Recorder
  readonly #clock: Clock
  #lastError: MillraceError | undefined
  #failedMs = 0

  constructor(recorder: Recorder, clock: Clock) {
    this.#recorder = recorder
    this.#clock = clock
  }

  /**
   * Why the last append failed; undefined once one has succeeded, or after a while: whoever sends elsewhere because of it would
   * otherwise never send here again.
   */
  get lastError(): MillraceError | undefined {
    return this.#clock.now() - this.#failedMs < FAILURE_COUNTS_MS ? this.#lastError : undefined
  }

  failed(error: MillraceError): void {
    this.#lastError = error
    this.#failedMs = this.#clock.now()
  }

  succeeded(): void {
    this.#lastError = undefined
  }

  tally(): Tally {
    return new Tally(this.#recorder)
  }

  /** Tells why data were rejected, which are counted by a {@link Tally}. */
  rejected({ source }: Producer, { unrouted, reasons }: Rejections): void {
    this.#recorder.reject?.({ source, unrouted, requests: 0, reasons })
  }

  /** A request was refused whole. */
  refused({ source }: Producer, why: MillraceError): void {
    const reasons = [{ reason: reasonOf(why, undefined), count: 1, sample: null }]
    this.#recorder.reject?.({ source, unrouted: 0, requests: 1, reasons })
  }
}

/** The sums of one group, by topic and source. Few of each: looked up by the last one first. */
export class Tally {
  readonly #recorder: Recorder
  readonly #sums = new Map<Route, Map<Producer, TallySum>>()
  #route: Route | undefined
  #producer: Producer | undefined
  #last: TallySum | undefined

  constructor(recorder: Recorder) {
    this.#recorder = recorder
  }

  of(route: Route, producer: Producer): TallySum {
    if (this.#last !== undefined && this.#route === route && this.#producer === producer) return this.#last
    let byProducer = this.#sums.get(route)
    if (byProducer === undefined) {
      byProducer = new Map()
      this.#sums.set(route, byProducer)
    }
    let sum = byProducer.get(producer)
    if (sum === undefined) {
      sum = new TallySum(route.name, producer.source)
      byProducer.set(producer, sum)
    }
    this.#route = route
    this.#producer = producer
    this.#last = sum
    return sum
  }

  /**
   * @param bytes of the data as received, where they were not added datum by datum; shared out by count.
   * @param durationMs of all of it, where it was not told datum by datum.
   */
  record(bytes = 0, durationMs = 0): void {
    const sums = [...this.#sums.values()].flatMap(byProducer => [...byProducer.values()])
    const total = sums.reduce((count, sum) => count + sum.count, 0)
    for (const sum of sums) {
      sum.bytes += Math.round((bytes * sum.count) / total)
      sum.waited(durationMs)
      this.#recorder.ingest(sum)
    }
  }
}

export class TallySum implements IngestFact {
  readonly topic: string
  readonly source: string
  accepted = 0
  duplicate = 0
  rejected = 0
  retry = 0
  bytes = 0
  durationMs = 0

  constructor(topic: string, source: string) {
    this.topic = topic
    this.source = source
  }

  get count(): number {
    return this.accepted + this.duplicate + this.rejected + this.retry
  }

  /** A group's time is that of the one that waited longest. */
  waited(durationMs: number): void {
    if (durationMs > this.durationMs) this.durationMs = durationMs
  }
}
