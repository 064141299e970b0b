import { MillraceError } from '../../../src/errors.ts'
import type { AppendBatch, Appended, Stream } from '../../../src/stream/stream.ts'
import { dataOf } from '../../../src/testing/suite-data.ts'

/**
 * - `up`: stores and answers.
 * - `away`: refuses at once. `hanging`: stores nothing and never answers, as a half-open connection does.
 * `queueing`: keeps what is appended, and stores and answers it once {@link ScriptedStream.work} is called, as a client that waits for its broker.
 * - `answers-lost`: stores, and never answers. `unknown`: stores, and says that it does not know. `late`: stores later, and answers even later.
 */
export type Behaviour = 'up' | 'away' | 'hanging' | 'queueing' | 'answers-lost' | 'unknown' | 'late'

const STORED_LATE_MS = 15
const ANSWERED_LATE_MS = 60

/** A stream that does what a test says, and remembers every datum of each partition in its order, copies too. */
export class ScriptedStream implements Pick<Stream, 'append'> {
  behaviour: Behaviour = 'up'
  /** Refuses an append for good, where it gives an error for it. */
  refuses: (batches: readonly AppendBatch[]) => MillraceError | undefined = () => undefined
  /** Called with each append before anything else. */
  onAppend: (batches: readonly AppendBatch[]) => void = () => {}
  /** Frames of each append. */
  readonly appends: number[] = []
  readonly #stored = new Map<string, { text: string; id: string }[]>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #queued: (() => void)[] = []

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    this.onAppend(batches)
    this.appends.push(batches.reduce((sum, { count }) => sum + count, 0))
    const refusal = this.refuses(batches)
    if (refusal !== undefined) throw refusal
    switch (this.behaviour) {
      case 'up':
        await this.#later(0)
        return this.#store(batches)
      case 'away':
        throw new MillraceError('STREAM_UNAVAILABLE', 'No broker answers.')
      case 'hanging':
        return new Promise(() => {})
      case 'queueing':
        return new Promise(resolve => this.#queued.push(() => resolve(this.#store(batches))))
      case 'answers-lost':
        this.#store(batches)
        return new Promise(() => {})
      case 'unknown':
        this.#store(batches)
        throw new MillraceError('APPEND_UNKNOWN', 'The connection broke.')
      case 'late': {
        await this.#later(STORED_LATE_MS)
        const appended = this.#store(batches)
        await this.#later(ANSWERED_LATE_MS)
        return appended
      }
    }
  }

  /** Stores and answers what was queued, and is up. */
  work(): void {
    this.behaviour = 'up'
    for (const store of this.#queued.splice(0)) store()
  }

  /** Every datum of a partition in its order, copies too. */
  texts(topic: string, partition: number): string[] {
    return this.#of(topic, partition).map(({ text }) => text)
  }

  /** The same without what was there before under the same id, as readers see it. */
  distinct(topic: string, partition: number): string[] {
    return [...new Map(this.#of(topic, partition).map(({ id, text }) => [id, text])).values()]
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #store(batches: readonly AppendBatch[]): Appended[] {
    return batches.map(({ topic, partition, frames, count, ascii }) => {
      const data = this.#of(topic, partition)
      const first = data.length
      for (const { text, id } of dataOf({ topic, partition, first: 0, count, frames, ascii, appendedMs: 0 })) data.push({ text, id })
      return { first, count, duplicates: [], taken: [] }
    })
  }

  #of(topic: string, partition: number): { text: string; id: string }[] {
    const key = `${topic}/${partition}`
    let data = this.#stored.get(key)
    if (data === undefined) {
      data = []
      this.#stored.set(key, data)
    }
    return data
  }

  #later(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, ms)
      this.#timers.add(timer)
    })
  }
}
