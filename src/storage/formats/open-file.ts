import type { Topic } from '../../stream/topic.ts'
import type { Aside, Staged } from './aside.ts'
import type { Encoder, Format, Sink } from './format.ts'
import { Gathered } from './gathered.ts'
import { Span } from './span.ts'

/** What one roll's open files share. */
export interface Desk {
  readonly aside: Aside
  readonly format: Format
  unstorable(offset: number, reason: string): void
}

/**
 * A file of a roll while it is written. No file descriptor is held between two pieces, and no bytes but those gathered, so a roll
 * may have as many of these as it has keys.
 */
export class OpenFile implements Sink {
  readonly gathered = new Gathered()
  readonly staged: Staged[] = []
  /** Bytes appended, over all parts. */
  bytes = 0
  readonly topic: Topic
  readonly #desk: Desk
  readonly #encoder: Encoder
  readonly #path: (part: number) => string
  #temporary: string | undefined
  #partBytes = 0
  #span = new Span()

  /** @param path of the n-th part. */
  constructor(desk: Desk, topic: Topic, path: (part: number) => string) {
    this.#desk = desk
    this.topic = topic
    this.#path = path
    this.#encoder = desk.format.encoder(topic)
  }

  /** Encodes and writes what was gathered. @param release whether its memory is given back. */
  spill(release: boolean): void {
    if (this.gathered.count > 0) this.#encoder.encode(this.gathered, this)
    this.gathered.clear(release)
  }

  /** After the last {@link spill}. */
  finish(): void {
    this.#encoder.finish(this)
    this.nextPart()
  }

  append(bytes: Uint8Array): void {
    if (this.#temporary === undefined) this.#temporary = this.#desk.aside.begin(bytes)
    else this.#desk.aside.append(this.#temporary, bytes)
    this.#partBytes += bytes.length
    this.bytes += bytes.length
  }

  holds(data: Span): void {
    this.#span.extend(data)
  }

  nextPart(): void {
    if (this.#temporary === undefined) return
    const path = this.#path(this.staged.length)
    this.staged.push({ temporary: this.#temporary, path, topic: this.topic.name, bytes: this.#partBytes, span: this.#span })
    this.#temporary = undefined
    this.#partBytes = 0
    this.#span = new Span()
  }

  unstorable(offset: number, reason: string): void {
    this.#desk.unstorable(offset, reason)
  }
}
