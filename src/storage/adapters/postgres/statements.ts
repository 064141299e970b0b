import { hash } from 'node:crypto'
import { quoted } from '../../rows/names.ts'
import type { Table } from './table.ts'

/** Where in its partition a staged row's datum is: what names it when PostgreSQL refuses it. */
const OFFSET = 'millrace_offset'
const LOCK_MS = 10_000

export function createTable(table: Table): string {
  const columns = table.columns.map(({ name, definition }) => `${quoted(name)} ${definition}`)
  return `CREATE TABLE IF NOT EXISTS ${table.sql} (${columns.join(', ')})`
}

/**
 * Where a roll's rows are copied to before they are inserted. JSON is staged as text and parsed by the insert: a COPY that fails for one row has
 * lost the others, an insert can be tried again for some of them. It is made once a session, and emptied by every commit: a temporary table a
 * roll would leave dozens of dead rows in the system catalogue every second.
 */
export class Staging {
  readonly create: string
  readonly copy: string
  readonly #table: Table
  readonly #name: string
  readonly #index: string

  constructor(table: Table) {
    this.#table = table
    const columns = table.columns.map(({ name, type }) => `${quoted(name)} ${type === 'jsonb' ? 'text' : type}`)
    const id = hash('sha256', [table.sql, ...columns].join()).slice(0, 16)
    this.#name = `pg_temp.${quoted(`millrace_${id}`)}`
    this.#index = `millrace_${id}_offset`
    this.create = `CREATE TEMP TABLE IF NOT EXISTS ${this.#name} (${OFFSET} bigint, ${columns.join(', ')}) ON COMMIT DELETE ROWS`
    this.copy = `COPY ${this.#name} FROM STDIN (FORMAT binary)`
  }

  /** Inserts what is staged, or of that the offsets [first, end). A datum that is there already stays as it is. */
  insert(range?: { readonly first: number; readonly end: number }): string {
    const names = this.#table.columns.map(({ name }) => quoted(name)).join(', ')
    const values = this.#table.columns.map(({ name, type }) => quoted(name) + (type === 'jsonb' ? '::jsonb' : '')).join(', ')
    const where = range === undefined ? '' : ` WHERE ${OFFSET} >= ${range.first} AND ${OFFSET} < ${range.end}`
    return `INSERT INTO ${this.#table.sql} (${names}) SELECT ${values} FROM ${this.#name}${where} ON CONFLICT (data_id) DO NOTHING`
  }

  /** For finding some of many staged rows; dropped again, for every later COPY would have to keep it. */
  get index(): string {
    return `CREATE INDEX ${quoted(this.#index)} ON ${this.#name} (${OFFSET})`
  }

  get dropIndex(): string {
    return `DROP INDEX pg_temp.${quoted(this.#index)}`
  }
}

/** Settings for one transaction, whatever the server, the role or the database has for default. */
export function begin(statementMs: number): string {
  return [
    'BEGIN ISOLATION LEVEL READ COMMITTED',
    `SET LOCAL statement_timeout = ${statementMs}`,
    `SET LOCAL lock_timeout = ${LOCK_MS}`,
    // A process that is cut off in the middle must not hold its locks for ever.
    `SET LOCAL idle_in_transaction_session_timeout = ${statementMs}`,
    'SET LOCAL client_min_messages = warning',
    // What would be checked at commit alone could no longer be laid to one row.
    'SET CONSTRAINTS ALL IMMEDIATE',
    // A commit that is answered before it is on disk would be lost with the server.
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'",
  ].join('; ')
}
