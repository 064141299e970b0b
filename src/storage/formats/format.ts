import type { FrameCursor } from '../../envelope/frame.ts'
import type { Topic } from '../../stream/topic.ts'
import type { Gathered } from './gathered.ts'
import type { Span } from './span.ts'

/** How data become the bytes of a file. The same data in the same order give the same bytes. */
export interface Format {
  /** Of the file's name, without the dot before it. */
  readonly extension: string
  /** Where so many bytes are gathered they are encoded; fewer, where memory is short or the roll ends. */
  readonly chunkBytes: number

  /**
   * Adds the cursor's datum to what its file has gathered.
   * @param ascii every byte of its data is below 128.
   * @returns why it cannot be stored, where it cannot; nothing is added then.
   */
  gather(cursor: FrameCursor, offset: number, topic: Topic, ascii: boolean, into: Gathered): string | undefined

  /** For one file, and the parts that follow it. */
  encoder(topic: Topic): Encoder
}

export interface Encoder {
  /** Encodes what was gathered since the last time. */
  encode(gathered: Gathered, sink: Sink): void
  /** Adds what a file ends with. Nothing is encoded after it. */
  finish(sink: Sink): void
}

export interface Sink {
  /** Adds to the file. The bytes are the caller's again when it returns. */
  append(bytes: Uint8Array): void
  /** Says which data the bytes since the last time are. */
  holds(data: Span): void
  /** Ends the file; what follows goes to its next part. */
  nextPart(): void
  unstorable(offset: number, reason: string): void
}
