import type { FrameCursor } from '../../envelope/frame.ts'

/**
 * Where the values of one row go, in the order of its columns, in the form that its database has for them. What says whether it has written answers
 * false where the database cannot hold the value as it is; nothing is written then.
 */
export interface RowSink {
  /** What its text cannot hold, for people: `a character that … cannot hold: …`. */
  readonly unheld: string
  null(): void
  double(value: number): boolean
  boolean(value: boolean): void
  text(value: string): boolean
  /** A value as JSON, written by `JSON.stringify`. */
  json(text: string): boolean
  /** The cursor's data, which are JSON, as their producer sent them; `value` is what they parse to. */
  sentJson(cursor: FrameCursor, value: unknown): boolean
  bytes(bytes: Uint8Array): void
}
