import type { Lease, Subscription } from '../../stream/stream.ts'
import type { EmbeddedLease } from './lease.ts'

/** A member's leases, the latest at a time: one that ended before it was taken is never handed out. */
export class EmbeddedSubscription implements Subscription {
  readonly #leave: () => Promise<void>
  #current: EmbeddedLease | undefined
  #taken = false
  #closed = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(leave: () => Promise<void>) {
    this.#leave = leave
  }

  grant(lease: EmbeddedLease): void {
    this.#current = lease
    this.#taken = false
    this.#signal()
  }

  /** The lease, where there is one, has ended. */
  endLease(reason: Error): void {
    this.#current?.end(reason)
    this.#current = undefined
  }

  /** There will be no lease any more. */
  fail(error: Error): void {
    this.#error ??= error
    this.endLease(error)
    this.#signal()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Lease, void> {
    while (!this.#closed) {
      if (this.#error !== undefined) throw this.#error
      if (this.#current !== undefined && !this.#taken) {
        this.#taken = true
        yield this.#current
      } else {
        const granted = Promise.withResolvers<void>()
        this.#wake = granted.resolve
        await granted.promise
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.endLease(new Error('The subscription was closed.'))
    this.#signal()
    await this.#leave()
  }

  #signal(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
