import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended, GroupedStream } from '../../stream/stream.ts'

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

/**
 * Appends of units of work, held for as long as the stream takes no more at once: nothing of them is there yet, and an agent that gave up its
 * partitions for it would do all that is in hand again, against a stream that is behind already.
 */
export class PatientAppend {
  readonly #stream: Pick<GroupedStream, 'append'>
  readonly #clock: Clock
  #room: Promise<void> = Promise.resolve()

  constructor(stream: Pick<GroupedStream, 'append'>, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  /** Resolves when nothing waits any more: who appends only then does not go before those that wait. */
  get room(): Promise<void> {
    return this.#room
  }

  /** @throws what the stream throws but OVERLOADED; LEASE_LOST when the signal aborts while it waits. */
  async append(batches: readonly AppendBatch[], signal: AbortSignal): Promise<readonly Appended[]> {
    try {
      return await this.#stream.append(batches)
    } catch (error) {
      if (!isMillraceError(error, 'OVERLOADED')) throw error
      const turn = this.#room.then(() => this.#whenThereIsRoom(batches, signal))
      this.#room = turn.then(
        () => undefined,
        () => undefined,
      )
      return turn
    }
  }

  async #whenThereIsRoom(batches: readonly AppendBatch[], signal: AbortSignal): Promise<readonly Appended[]> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      await this.#clock.sleep(waitMs, signal).catch(cause => {
        throw new MillraceError('LEASE_LOST', 'The lease ended before the stream had room for the unit.', { cause })
      })
      try {
        return await this.#stream.append(batches)
      } catch (error) {
        if (!isMillraceError(error, 'OVERLOADED')) throw error
      }
    }
  }
}
