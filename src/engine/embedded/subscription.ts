import { LeaseMailbox } from '../../stream/lease-mailbox.ts'
import type { Lease, Subscription } from '../../stream/stream.ts'
import type { EmbeddedLease } from './lease.ts'

/** A membership as its subscriber holds it; the client grants and ends its leases. */
export class EmbeddedSubscription implements Subscription {
  readonly mailbox = new LeaseMailbox<EmbeddedLease>()
  readonly #leave: () => Promise<void>

  constructor(leave: () => Promise<void>) {
    this.#leave = leave
  }

  [Symbol.asyncIterator](): AsyncIterator<Lease> {
    return this.mailbox.leases()
  }

  async close(): Promise<void> {
    if (this.mailbox.close()) await this.#leave()
  }
}
