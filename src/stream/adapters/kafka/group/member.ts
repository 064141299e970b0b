import type { Cluster, Pool } from '../cluster.ts'
import { isTransient } from '../failure.ts'
import { answered } from '../wire/answered.ts'
import { type Generation, joinGeneration, judge } from './joining.ts'

/** One generation as it lives: it has ended when `signal` aborts. */
export interface Membership extends Generation {
  readonly signal: AbortSignal
  /** The coordinator may no longer count us in: nothing was heard of it for a session timeout. */
  isStale(): boolean
  end(reason: Error): void
}

export interface MemberEvents {
  /** A generation has begun. The one before has ended by then. */
  begun(membership: Membership): void
  /** There will be no other: trying again would not help. */
  failed(error: unknown): void
}

const RETRY_MS = 200
/** Beyond what the coordinator waits for the slowest member. */
const ANSWER_MARGIN_MS = 5_000

/**
 * Membership in a group, by Kafka's classic protocol: joining → member → joining → …, until it leaves. As a member it sends a heartbeat every
 * 300 ms; the answer says when the group is shared out anew. A member that hears nothing for a session timeout ends its generation by itself,
 * for the coordinator will have given its partitions away.
 */
export class Member {
  readonly #cluster: Cluster
  readonly #kafkaGroup: string
  readonly #kafkaTopics: readonly string[]
  readonly #events: MemberEvents
  readonly #leaving = new AbortController()
  readonly #pool: Pool
  #memberId = ''
  #running: Promise<void> = Promise.resolve()

  constructor(cluster: Cluster, kafkaGroup: string, kafkaTopics: readonly string[], events: MemberEvents) {
    this.#cluster = cluster
    this.#kafkaGroup = kafkaGroup
    this.#kafkaTopics = kafkaTopics
    this.#events = events
    this.#pool = cluster.newPool(cluster.settings.sessionTimeoutMs + ANSWER_MARGIN_MS)
  }

  join(): void {
    this.#running = this.#run()
  }

  /** Gives its partitions back to the group at once. */
  async leave(): Promise<void> {
    if (this.#leaving.signal.aborted) return this.#running
    this.#leaving.abort(new Error('The subscription was closed.'))
    try {
      await this.#sayGoodbye()
    } finally {
      // A join that waits for others is answered by nobody any more.
      await this.#pool.close()
      await this.#running
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#leaving
    while (!signal.aborted) {
      try {
        const kept = await this.#join()
        if (kept === undefined) continue
        if (signal.aborted) return
        this.#events.begun(kept.membership)
        await this.#stay(kept)
      } catch (error) {
        if (signal.aborted) return
        if (!isTransient(error)) {
          this.#events.failed(
            this.#cluster.failure(error, { what: `join the group ${this.#kafkaGroup}`, right: `Read on the group ${this.#kafkaGroup}` }),
          )
          return
        }
        this.#cluster.forgetCoordinator(this.#kafkaGroup)
        await this.#rest(RETRY_MS)
      }
    }
  }

  async #join(): Promise<Kept | undefined> {
    const { clock, sessionTimeoutMs } = this.#cluster.settings
    const connection = await this.#cluster.coordinator(this.#kafkaGroup, this.#pool)
    const outcome = await joinGeneration(this.#cluster, connection, this.#kafkaGroup, this.#kafkaTopics, this.#memberId)
    this.#memberId = outcome.memberId
    if (!('generationId' in outcome)) return undefined
    return new Kept(outcome, () => clock.now(), sessionTimeoutMs)
  }

  /** Keeps a generation alive until it ends. */
  async #stay(kept: Kept): Promise<void> {
    const { clock, heartbeatMs } = this.#cluster.settings
    const leave = () => kept.end(this.#leaving.signal.reason)
    this.#leaving.signal.addEventListener('abort', leave, { once: true })
    // A heartbeat may wait for its answer longer than the session lasts.
    let cancel = (): void => undefined
    const watch = () => {
      if (kept.membership.isStale()) kept.end(new Error('Nothing was heard of the group’s coordinator for a session timeout.'))
      else cancel = clock.after(heartbeatMs, watch)
    }
    watch()
    try {
      while (!kept.membership.signal.aborted) {
        await this.#rest(heartbeatMs, kept.membership.signal)
        if (!kept.membership.signal.aborted) await this.#heartbeat(kept)
      }
    } finally {
      cancel()
      this.#leaving.signal.removeEventListener('abort', leave)
    }
  }

  async #heartbeat(kept: Kept): Promise<void> {
    const { clock } = this.#cluster.settings
    const sentMs = clock.now()
    try {
      const connection = await this.#cluster.coordinator(this.#kafkaGroup, this.#pool)
      const { memberId, generationId } = kept.membership
      const answer = await answered(this.#cluster.kafka.heartbeatV4.api.async(connection, this.#kafkaGroup, generationId, memberId, null))
      const again = judge(this.#cluster, this.#kafkaGroup, answer.errorCode, memberId)
      if (again === undefined) kept.heard(sentMs)
      else {
        this.#memberId = again.memberId
        kept.end(new Error('The group is shared out anew.'))
      }
    } catch (error) {
      // The session goes on for as long as the coordinator may still count us in: the next heartbeat looks for it again.
      if (!isTransient(error)) {
        kept.end(new Error('The group’s coordinator refuses this member.', { cause: error }))
        throw error
      }
      this.#cluster.forgetCoordinator(this.#kafkaGroup)
    }
  }

  /** On a connection that is not busy with a join. What fails here a session timeout mends. */
  async #sayGoodbye(): Promise<void> {
    if (this.#memberId === '' || this.#cluster.closed) return
    try {
      const connection = await this.#cluster.coordinator(this.#kafkaGroup)
      await answered(this.#cluster.kafka.leaveGroupV4.api.async(connection, this.#kafkaGroup, [{ memberId: this.#memberId }]))
    } catch (error) {
      if (!isTransient(error)) throw this.#cluster.failure(error, { what: `leave the group ${this.#kafkaGroup}` })
    }
  }

  /** Ends early when the member leaves, or with `signal`. */
  async #rest(ms: number, signal?: AbortSignal): Promise<void> {
    const over = signal === undefined ? this.#leaving.signal : AbortSignal.any([signal, this.#leaving.signal])
    await this.#cluster.settings.clock.sleep(ms, over).catch(() => undefined)
  }
}

/** A generation, and when the coordinator was last heard of. */
class Kept {
  readonly membership: Membership
  readonly #controller = new AbortController()
  #heardMs: number

  constructor(generation: Generation, now: () => number, sessionTimeoutMs: number) {
    this.#heardMs = now()
    this.membership = {
      ...generation,
      signal: this.#controller.signal,
      isStale: () => now() - this.#heardMs >= sessionTimeoutMs,
      end: reason => this.end(reason),
    }
  }

  /** An answer came to what was sent at that time: the session lasts from there at least. */
  heard(sentMs: number): void {
    this.#heardMs = Math.max(this.#heardMs, sentMs)
  }

  end(reason: Error): void {
    this.#controller.abort(reason)
  }
}
