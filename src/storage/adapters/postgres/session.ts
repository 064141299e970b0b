import type { PoolClient } from 'pg'
import type { Clock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import { isAboutRow, refusal } from './refusal.ts'

/** Of pg-copy-streams, what is used here. */
type CopyFrom = typeof import('pg-copy-streams').from

/**
 * One connection, taken from the pool for one piece of work. Every wait is bounded: a server that has gone without a word is given up, and
 * its connection with it. So is a connection on which anything failed: what it holds is rolled back by the server.
 */
export class Session {
  readonly #client: PoolClient
  readonly #copyFrom: CopyFrom
  readonly #clock: Clock
  readonly #where: string
  readonly #limitMs: number
  #ended = false
  /** Why the connection was given up while it was waited on. */
  #givenUp: { readonly reason: unknown } | undefined

  constructor(client: PoolClient, copyFrom: CopyFrom, clock: Clock, where: string, limitMs: number) {
    this.#client = client
    this.#copyFrom = copyFrom
    this.#clock = clock
    this.#where = where
    this.#limitMs = limitMs
  }

  /** Runs statements, `;` between them. @returns the rows of a single one. @throws STORE_UNAVAILABLE, STORE_DENIED */
  async run(sql: string, values?: readonly string[]): Promise<Record<string, unknown>[]> {
    try {
      // Several statements give several results, which nobody asks for.
      const { rows } = await this.#bounded(this.#client.query<Record<string, unknown>>(sql, values === undefined ? undefined : [...values]))
      return rows
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  /** Runs one statement of a transaction that goes on where the statement is refused for what is in a row. @returns that error. */
  async attempt(sql: string): Promise<Error | undefined> {
    try {
      await this.#bounded(this.#client.query(`SAVEPOINT millrace; ${sql}; RELEASE SAVEPOINT millrace`))
      return undefined
    } catch (error) {
      if (!(error instanceof Error) || !isAboutRow(error)) throw this.#refusal(error)
      await this.run('ROLLBACK TO SAVEPOINT millrace; RELEASE SAVEPOINT millrace')
      return error
    }
  }

  /** Sends one whole COPY and resolves once the server has taken it: the bytes are the caller's again then. */
  async copy(sql: string, bytes: Buffer): Promise<void> {
    const stream = this.#client.query(this.#copyFrom(sql))
    const copied = new Promise<void>((resolve, reject) => {
      stream.on('finish', resolve)
      stream.on('error', reject)
    })
    stream.end(bytes)
    try {
      await this.#bounded(copied)
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  /** Breaks the connection off at once; whatever is waited on fails with the reason. */
  giveUp(reason: unknown): void {
    this.#givenUp ??= { reason }
    this.#end(true)
  }

  /** Gives the connection back, for others to use. */
  release(): void {
    this.#end(false)
  }

  #end(broken: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#client.release(broken)
  }

  async #bounded<T>(answer: Promise<T>): Promise<T> {
    const cancel = this.#clock.after(this.#limitMs, () => {
      this.giveUp(new MillraceError('STORE_UNAVAILABLE', `${this.#where} has not answered for ${this.#limitMs / 1000} s.`))
    })
    try {
      return await answer
    } finally {
      cancel()
    }
  }

  #refusal(error: unknown): unknown {
    const reason = this.#givenUp === undefined ? refusal(error, this.#where) : this.#givenUp.reason
    this.giveUp(reason)
    return reason
  }
}
