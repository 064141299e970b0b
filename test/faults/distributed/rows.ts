import { Pool } from 'pg'
import { quoted } from '../../../src/storage/rows/names.ts'
import type { Findings } from '../findings.ts'
import type { Datum } from '../log.ts'
import { placeOf } from '../recompute.ts'

/** What storage agents have put into PostgreSQL, in a schema of one test's own. */
export class Rows {
  readonly schema: string
  readonly #pool: Pool

  constructor(address: string, schema: string) {
    this.schema = schema
    this.#pool = new Pool({ connectionString: address, options: `-c search_path=${schema}`, max: 2 })
    // A server that a test kills breaks connections that nobody uses at the moment.
    this.#pool.on('error', () => undefined)
  }

  /** One row for each datum of a topic, with its fields; and no other. */
  async check(topic: string, data: readonly Datum[], findings: Findings): Promise<void> {
    const { rows } = await this.#pool.query<Record<string, unknown>>(`SELECT * FROM ${quoted(topic)}`)
    const byId = new Map<unknown, Record<string, unknown>[]>()
    for (const row of rows) byId.set(row.data_id, [...(byId.get(row.data_id) ?? []), row])
    for (const datum of data) {
      const found = byId.get(datum.id) ?? []
      const place = `${datum.id} of ${placeOf(datum)}`
      if (found.length === 0) findings.push(`lost: ${place} has no row`)
      if (found.length > 1) findings.push(`doubled: ${place} has ${found.length} rows`)
      for (const [field, value] of Object.entries(datum.value)) {
        if (found.length > 0 && found[0]![field] !== value)
          findings.push(`rows: ${field} of ${place} is ${String(found[0]![field])} in its row, where the log gives ${String(value)}`)
      }
      byId.delete(datum.id)
    }
    for (const id of byId.keys()) findings.push(`rows: ${String(id)} has a row in ${topic} and is not in the log`)
  }

  /** Runs SQL in the schema. */
  async run(sql: string): Promise<void> {
    await this.#pool.query(sql)
  }

  async remove(): Promise<void> {
    try {
      await this.#pool.query(`DROP SCHEMA IF EXISTS ${quoted(this.schema)} CASCADE`)
    } finally {
      await this.#pool.end()
    }
  }
}
