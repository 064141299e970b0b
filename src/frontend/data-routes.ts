import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Admission } from './admission.ts'
import { readBody } from './body.ts'
import { Exchange } from './exchange.ts'
import type { Ingested } from './ingested.ts'
import type { Intake } from './intake.ts'
import type { Limits } from './limits.ts'
import type { Load } from './load.ts'
import type { Producer } from './producer.ts'
import type { RateLimit } from './rate.ts'
import { type Asked, checkHeaders, readRequest } from './request.ts'
import type { RouteTable } from './routes.ts'

/**
 * Everything below `/v1/topics/` and `/v1/data`, answered ahead of Fastify on the same server: at thousands of requests a second
 * its router and hooks are a third of the cost. A request's way, with the exit of each step:
 *
 *   headers   HEADER_INVALID                                  → 400, 431
 *   producer  KEY_MISSING, KEY_INVALID                        → 401
 *   route     METHOD_NOT_ALLOWED, TOPIC_UNKNOWN, _FORBIDDEN   → 405, 404, 403
 *   rate      RATE_LIMITED                                    → 429
 *   load      OVERLOADED, SHUTTING_DOWN                       → 503
 *   body      BODY_TOO_LARGE, BODY_MALFORMED, SLOW_REQUEST    → 413, 400, 408
 *   judge     DATUM_INVALID, ID_TAKEN                         → 422, 409 (one datum); a receipt (batch)
 *   append    APPEND_UNKNOWN, OVERLOADED, DISK_FULL           → 503, 507
 */
export class DataRoutes {
  readonly #on: DataRoutesContext
  table: RouteTable
  #closing = false

  constructor(table: RouteTable, on: DataRoutesContext) {
    this.table = table
    this.#on = on
  }

  /** From now on requests are refused, and each answer closes its connection. */
  close(): void {
    this.#closing = true
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { clock, load, limits } = this.#on
    const exchange = new Exchange(request, response, { clock, load, isClosing: () => this.#closing })
    // What came in belongs to the topics there are now, whatever a reload puts in their place.
    const { table } = this
    let asked: Asked
    let producer: Producer | undefined
    try {
      checkHeaders(request, limits)
      producer = this.#on.admission.producer(request)
      asked = readRequest(request, table, producer)
      this.#on.rate.check(asked.producer.source)
      if (this.#closing) throw new MillraceError('SHUTTING_DOWN', 'The front end is closing.', { fix: 'Send again in a moment.' })
      exchange.begin()
    } catch (error) {
      this.#fail(exchange, error, producer)
      return
    }
    readBody(request, response, limits, {
      hold: bytes => exchange.hold(bytes),
      done: (error, body) => {
        if (error !== undefined) return this.#fail(exchange, error, asked.producer)
        exchange.arrivedMs = clock.now()
        try {
          const count = this.#on.intake.take({ exchange, asked, table, body }, thrown => this.#fail(exchange, thrown, asked.producer))
          this.#on.rate.spend(asked.producer.source, count)
        } catch (thrown) {
          this.#fail(exchange, thrown, asked.producer)
        }
      },
    })
  }

  /** @param producer who asks, where that has been found out. */
  #fail(exchange: Exchange, error: unknown, producer: Producer | undefined): void {
    const known = error instanceof MillraceError ? error : this.#unexpected(error)
    if (producer !== undefined) this.#on.ingested.refused(producer, known)
    exchange.refuse(known)
  }

  #unexpected(error: unknown): MillraceError {
    this.#on.report('A request could not be handled.', error)
    return new MillraceError('ENGINE_FAILED', 'The front end failed on this request.', {
      fix: 'Send it again under its id; the log of the process says why.',
      cause: error,
    })
  }
}

export interface DataRoutesContext {
  readonly limits: Limits
  readonly clock: Clock
  readonly load: Load
  readonly rate: RateLimit
  readonly admission: Admission
  readonly intake: Intake
  readonly ingested: Ingested
  /** Where what nobody expected is told. */
  report(what: string, error: unknown): void
}
