import type { Tables } from './tables.ts'

/** Deletes what is past its time, a little at a time. */
export class Retention {
  readonly #tables: Tables
  readonly #traceRetentionMs: number

  constructor(tables: Tables, traceRetentionMs: number) {
    this.#tables = tables
    this.#traceRetentionMs = traceRetentionMs
  }

  /** One short step, within a transaction. @returns whether there may be more to delete. */
  step(nowMs: number): boolean {
    return this.#tables.ids.dropExpired(nowMs)
  }
}
