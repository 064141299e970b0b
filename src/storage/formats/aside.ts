import type { Span } from './span.ts'

/** A file written aside, and the path below the store's own place where it belongs. */
export interface Staged {
  readonly temporary: string
  readonly path: string
  /** Name of the topic whose data it holds. */
  readonly topic: string
  readonly bytes: number
  readonly span: Span
}

/** Where one attempt at a roll keeps its files until all are written. Synchronous: a promise for each piece costs more than the write. */
export interface Aside {
  /** Begins one more file with these bytes. @returns its name, which no other attempt has. */
  begin(bytes: Uint8Array): string
  /** Adds to a file that was begun. @throws where it is gone: what followed would be a file without its beginning. */
  append(temporary: string, bytes: Uint8Array): void
}
