import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

/** A row as SQLite gives it: the query says what is in which column. */
export type Row = readonly SQLOutputValue[]

/** A prepared query whose rows are arrays: half the cost of objects. */
export class Query {
  readonly #statement: StatementSync

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql)
    this.#statement.setReturnArrays(true)
  }

  // node:sqlite types rows as objects whatever setReturnArrays says; it was called above.
  one(...values: SQLInputValue[]): Row | undefined {
    return this.#statement.get(...values) as unknown as Row | undefined
  }
  all(...values: SQLInputValue[]): Row[] {
    return this.#statement.all(...values) as unknown as Row[]
  }
  each(...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#statement.iterate(...values) as unknown as IterableIterator<Row>
  }
}

// What a column holds is settled by the STRICT tables in schema.ts, so these only narrow the type.
export function numberAt(row: Row, column: number): number {
  return row[column] as number
}
export function textAt(row: Row, column: number): string {
  return row[column] as string
}
export function bytesAt(row: Row, column: number): Uint8Array<ArrayBuffer> {
  return row[column] as Uint8Array<ArrayBuffer>
}
