import { Rate } from './rate.ts'
import { type IngestFact, OTHERS, type RejectFact, type Rejection } from './recorder.ts'

/** More sources than this are counted together: a key is made by hand, but nothing keeps people from making thousands by a script. */
const MOST_SOURCES = 1_000
/** Of a source, reasons that are told apart. The one that has not been seen for longest makes room, and its count is kept with the others'. */
const MOST_REASONS = 20

/** What came of what a source sent, since this process started. */
export interface Producing {
  readonly source: string
  readonly accepted: number
  readonly duplicate: number
  readonly rejected: number
  readonly retry: number
  /** Requests that were refused whole. */
  readonly refusedRequests: number
  readonly acceptedPerSecond: number
  /** Milliseconds since 1970 UTC. */
  readonly lastSeenMs: number
  /** Accepted, by topic. */
  readonly topics: ReadonlyMap<string, number>
  /** The latest first. */
  readonly reasons: readonly (Rejection & { readonly atMs: number })[]
}

/** Keeps what came of what each producer sent. Bounded by {@link MOST_SOURCES} and {@link MOST_REASONS}; topics are those that are declared. */
export class Producers {
  readonly sinceMs: number
  readonly #sources = new Map<string, Sums>()

  constructor(nowMs: number) {
    this.sinceMs = nowMs
  }

  /** @param topic as it may be counted by. */
  ingest(fact: IngestFact, topic: string, nowMs: number): void {
    this.#of(fact.source).add(fact, topic, nowMs)
  }

  reject(fact: RejectFact, nowMs: number): void {
    this.#of(fact.source).reject(fact, nowMs)
  }

  /** The busiest first. */
  read(nowMs: number): readonly Producing[] {
    return [...this.#sources].map(([source, sums]) => sums.read(source, nowMs)).sort((a, b) => total(b) - total(a))
  }

  #of(source: string): Sums {
    const known = this.#sources.get(source)
    if (known !== undefined) return known
    const name = this.#sources.size < MOST_SOURCES ? source : OTHERS
    const sums = this.#sources.get(name) ?? new Sums()
    this.#sources.set(name, sums)
    return sums
  }
}

function total({ accepted, duplicate, rejected, retry, refusedRequests }: Producing): number {
  return accepted + duplicate + rejected + retry + refusedRequests
}

class Sums {
  #accepted = 0
  #duplicate = 0
  #rejected = 0
  #retry = 0
  #refusedRequests = 0
  #lastSeenMs = 0
  readonly #perSecond = new Rate()
  readonly #topics = new Map<string, number>()
  readonly #reasons = new Map<string, Rejection & { readonly atMs: number }>()
  #others: Rejection & { readonly atMs: number } = { reason: OTHERS, count: 0, sample: null, atMs: 0 }

  add({ accepted, duplicate, rejected, retry }: IngestFact, topic: string, nowMs: number): void {
    this.#accepted += accepted
    this.#duplicate += duplicate
    this.#rejected += rejected
    this.#retry += retry
    this.#lastSeenMs = nowMs
    this.#perSecond.add(accepted, nowMs)
    if (accepted > 0) this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + accepted)
  }

  reject({ unrouted, requests, reasons }: RejectFact, nowMs: number): void {
    this.#rejected += unrouted
    this.#refusedRequests += requests
    this.#lastSeenMs = nowMs
    for (const { reason, count, sample } of reasons) {
      const before = this.#reasons.get(reason)
      // At the end again: the first is the one that has not been seen for longest.
      this.#reasons.delete(reason)
      this.#reasons.set(reason, { reason, count: (before?.count ?? 0) + count, sample: sample ?? before?.sample ?? null, atMs: nowMs })
    }
    // One of them is the others'.
    while (this.#reasons.size >= MOST_REASONS) this.#giveUp()
  }

  #giveUp(): void {
    const [oldest] = this.#reasons.values()
    if (oldest === undefined) return
    this.#reasons.delete(oldest.reason)
    this.#others = { reason: OTHERS, count: this.#others.count + oldest.count, sample: null, atMs: oldest.atMs }
  }

  read(source: string, nowMs: number): Producing {
    return {
      source,
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      rejected: this.#rejected,
      retry: this.#retry,
      refusedRequests: this.#refusedRequests,
      acceptedPerSecond: this.#perSecond.perSecond(nowMs),
      lastSeenMs: this.#lastSeenMs,
      topics: this.#topics,
      reasons: [...[...this.#reasons.values()].reverse(), ...(this.#others.count > 0 ? [this.#others] : [])],
    }
  }
}
