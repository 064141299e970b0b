import { FrameCursor } from '../envelope/frame.ts'
import { knownRange } from '../stream/known-range.ts'
import { notesBatch } from '../stream/notes.ts'
import type { Stream } from '../stream/stream.ts'
import { type Decision, VERSIONS } from './decision.ts'
import { applied, refusal, UNDECIDED, type Versions } from './fold.ts'

const PLACE = { topic: VERSIONS.name, partition: 0 }
const READ_BYTES = 256 * 1024

/** The decisions in a stream, folded as far as they were read. To ask again costs one look at where the log ends. */
export class VersionLog {
  readonly #stream: Pick<Stream, 'read' | 'topics' | 'bounds'>
  #versions = UNDECIDED
  #next = 0
  #exists = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stream: Pick<Stream, 'read' | 'topics' | 'bounds'>) {
    this.#stream = stream
  }

  /** What all decisions come to that were durable when it was called; the same object while there are no new ones. */
  read(): Promise<Versions> {
    return this.#inTurn(async () => {
      await this.#readOn()
      return this.#versions
    })
  }

  /**
   * Appends a decision and reads on: another may have come first.
   * @returns why it has no effect; undefined where it has.
   * @throws what append throws: after APPEND_UNKNOWN it may have been decided, and says so when it is decided again.
   */
  append(stream: Pick<Stream, 'append' | 'ensure'>, decision: Decision): Promise<string | undefined> {
    return this.#inTurn(async () => {
      await stream.ensure([VERSIONS])
      const nowMs = decision.atMs
      const [appended] = await stream.append([notesBatch(VERSIONS.name, 0, [{ key: '', data: JSON.stringify(decision) }], nowMs)])
      let refused: string | undefined
      await this.#readOn((offset, why) => {
        if (offset === appended!.first) refused = why
      })
      return refused
    })
  }

  async #readOn(seen: (offset: number, refused: string | undefined) => void = () => undefined): Promise<void> {
    const range = { first: this.#next, end: await this.#end() }
    for await (const batch of knownRange(this.#stream, PLACE, range, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        if (cursor.isVoid) continue
        // Only append() above writes these.
        const decision = JSON.parse(cursor.dataText) as Decision
        const offset = batch.first + cursor.index
        seen(offset, refusal(this.#versions, decision))
        this.#versions = applied(this.#versions, decision, offset)
      }
      this.#next = batch.first + batch.count
    }
  }

  /** Where the decisions end; 0 before there was one, when there may be no such topic. */
  async #end(): Promise<number> {
    this.#exists ||= (await this.#stream.topics()).some(({ name }) => name === VERSIONS.name)
    return this.#exists ? ((await this.#stream.bounds(VERSIONS.name))[0]?.next ?? 0) : 0
  }

  /** One after the other, so that each decision is folded once. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
