import { randomBytes } from 'node:crypto'
import { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { quoted } from '../../../src/storage/rows/names.ts'

type Row = Record<string, unknown>

/** A schema that one test has for itself, looked into by plain SQL. */
export interface Scratch {
  readonly address: string
  readonly schema: string
  /** Runs SQL with the schema for search_path. */
  sql(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Runs SQL in a transaction that stays open. @returns what ends it. */
  hold(text: string): Promise<() => Promise<void>>
  remove(): Promise<void>
}

export function scratchAt(address: string): Scratch {
  const schema = `test_${randomBytes(6).toString('hex')}`
  const pool = new Pool({ connectionString: address, options: `-c search_path=${schema}`, max: 3 })
  // A server that a test kills breaks connections that nobody uses at the moment.
  pool.on('error', () => undefined)
  return {
    address,
    schema,
    sql: async (text, values) => (await pool.query<Row>(text, values === undefined ? undefined : [...values])).rows,
    async hold(text) {
      const client = await pool.connect()
      await client.query(`BEGIN; ${text}`)
      return async () => {
        await client.query('COMMIT')
        client.release()
      }
    },
    async remove() {
      try {
        await pool.query(`DROP SCHEMA IF EXISTS ${quoted(schema)} CASCADE`)
      } finally {
        await pool.end()
      }
    },
  }
}

/** One that is removed when the test ends. */
export function scratch(address: string): Scratch {
  const made = scratchAt(address)
  onTestFinished(() => made.remove())
  return made
}
