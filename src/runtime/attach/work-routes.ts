import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WorkDesk } from '../../agents/remote.ts'
import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import { readBody } from '../../frontend/body.ts'
import { Exchange } from '../../frontend/exchange.ts'
import type { KeyRing } from '../../frontend/key-ring.ts'
import type { Limits } from '../../frontend/limits.ts'
import type { Load } from '../../frontend/load.ts'
import { checkHeaders } from '../../frontend/request.ts'
import type { Desks } from './desks.ts'
import { readClaimWish, readWorkRequest, type WorkRequest } from './work-request.ts'
import { type Worker, workerOf } from './worker.ts'

/** A claim waits for data for so long at most, whatever it asks for. */
const MAX_WAIT_MS = 30_000

export interface WorkRoutesContext {
  readonly desks: Desks
  readonly ring: KeyRing<Worker>
  readonly isLoopback: boolean
  readonly limits: Limits
  readonly load: Load
  readonly clock: Clock
  /** Where what nobody expected is told. */
  report(what: string, error: unknown): void
}

/**
 * The requests of attached workers. A request's way, with the exit of each step:
 *
 *   headers   HEADER_INVALID                                  → 400, 431
 *   worker    KEY_MISSING, KEY_INVALID                        → 401
 *   route     ROUTE_UNKNOWN, METHOD_NOT_ALLOWED               → 404, 405
 *   agent     AGENT_FORBIDDEN, AGENT_UNKNOWN, AGENT_AWAY      → 403, 404, 503
 *   load      OVERLOADED, SHUTTING_DOWN                       → 503
 *   body      BODY_TOO_LARGE, BODY_MALFORMED, SLOW_REQUEST    → 413, 400, 408
 *   claim     nothing came, AGENT_AWAY, OVERLOADED            → 204, 503
 *   commit    BODY_MALFORMED, LEASE_LOST, AGENT_AWAY          → 400, 409, 503
 */
export class WorkRoutes {
  readonly #on: WorkRoutesContext
  /** A socket that is silent for longer is closed, and a worker that waits is silent. */
  readonly #mostWaitMs: number
  #closing = false

  constructor(on: WorkRoutesContext) {
    this.#on = on
    this.#mostWaitMs = Math.min(MAX_WAIT_MS, Math.floor(on.limits.idleTimeoutMs / 2))
  }

  /** From now on requests are refused, and each answer closes its connection. */
  close(): void {
    this.#closing = true
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { clock, load, limits, desks, ring, isLoopback } = this.#on
    const exchange = new Exchange(request, response, { clock, load, isClosing: () => this.#closing })
    const fail = (error: unknown) => this.#fail(exchange, error)
    let asked: WorkRequest
    let desk: WorkDesk
    try {
      checkHeaders(request, limits)
      const worker = workerOf(request, ring, isLoopback)
      asked = readWorkRequest(request)
      worker.check(asked.agent)
      desk = desks.of(asked.agent)
      if (this.#closing) throw new MillraceError('SHUTTING_DOWN', 'The listener is closing.', { fix: 'Ask again in a moment.' })
      exchange.begin()
    } catch (error) {
      fail(error)
      return
    }
    readBody(request, response, limits, {
      hold: bytes => exchange.hold(bytes),
      done: (error, body) => {
        if (error !== undefined) return fail(error)
        const work = asked.what === 'claim' ? this.#claim(exchange, desk, body) : commit(exchange, desk, body)
        work.catch(fail)
      },
    })
  }

  async #claim(exchange: Exchange, desk: WorkDesk, body: Buffer): Promise<void> {
    const { most, waitMs } = readClaimWish(body, this.#mostWaitMs)
    const { response } = exchange
    const gone = new AbortController()
    const leave = () => gone.abort()
    response.once('close', leave)
    const work = await desk.claim(most, waitMs, gone.signal)
    response.removeListener('close', leave)
    if (work !== undefined && !gone.signal.aborted) return exchange.answer(200, work.json)
    // Its data would wait for a worker that knows nothing of them.
    if (work !== undefined) desk.release(work.claim)
    exchange.answerNothing()
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (!(error instanceof MillraceError)) {
      this.#on.report('A worker’s request could not be handled', error)
      exchange.refuse(
        new MillraceError('ENGINE_FAILED', 'The listener failed on this request.', {
          fix: 'Send it again; the log of the process says why.',
          cause: error,
        }),
      )
    } else exchange.refuse(error)
  }
}

async function commit(exchange: Exchange, desk: WorkDesk, body: Buffer): Promise<void> {
  exchange.answer(200, await desk.commit(body))
}
