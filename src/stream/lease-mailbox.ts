import type { Lease } from './stream.ts'

/** A lease that whoever shares out partitions can end. */
export interface EndableLease extends Lease {
  end(reason: Error): void
}

/** A member's leases, the latest at a time: one that ended before it was taken is never handed out. */
export class LeaseMailbox<L extends EndableLease> {
  #current: L | undefined
  #taken = false
  #closed = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  grant(lease: L): void {
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

  /** Ends the lease and the iteration. @returns false where that was done before. */
  close(): boolean {
    if (this.#closed) return false
    this.#closed = true
    this.endLease(new Error('The subscription was closed.'))
    this.#signal()
    return true
  }

  async *leases(): AsyncGenerator<L, void> {
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

  #signal(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
