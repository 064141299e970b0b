import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { MillraceError } from '../errors.ts'
import type { Load } from './load.ts'
import { PROBLEM_TYPE, problemOf, retryAfterSeconds } from './problem.ts'

const JSON_CONTENT = 'application/json'
/** A refused body of at most this many bytes is read away, and the connection stays open. */
const DISCARD_BYTES = 65_536
/** How long the rest of a refused body is read and discarded: closing at once would reset the connection before the producer has read why. */
const LINGER_MS = 1_000

/** One request and its one answer. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly #clock: Clock
  readonly #load: Load
  /** Whether the connection is to be closed after the answer, because the front end is closing. */
  readonly #isClosing: () => boolean
  /** Bytes held for it; undefined where it was refused before it counted. */
  #held: number | undefined
  #answered = false
  /** When its last byte was there. */
  arrivedMs = 0

  constructor(request: IncomingMessage, response: ServerResponse, on: { clock: Clock; load: Load; isClosing: () => boolean }) {
    this.request = request
    this.response = response
    this.#clock = on.clock
    this.#load = on.load
    this.#isClosing = on.isClosing
  }

  /** Counts the request as in hand until it is answered. @throws OVERLOADED */
  begin(): void {
    this.#load.begin()
    this.#held = 0
  }

  /** @throws OVERLOADED */
  hold(bytes: number): void {
    this.#load.hold(bytes)
    this.#held = (this.#held ?? 0) + bytes
  }

  answer(status: number, json: string | Uint8Array): void {
    this.#send(status, [], JSON_CONTENT, json)
  }

  /** Answers that there is nothing (204). */
  answerNothing(): void {
    this.#send(204, [], undefined, '')
  }

  /** Answers with a problem. @param more JSON text of an object whose members are added to it. */
  refuse(error: MillraceError, more = '{}', status = error.status): void {
    const headers: string[] = []
    const retryAfter = retryAfterSeconds(error)
    if (retryAfter !== undefined) headers.push('retry-after', String(retryAfter))
    if (status === 401) headers.push('www-authenticate', 'Bearer')
    if (status === 405) headers.push('allow', 'POST')
    this.#send(status, headers, PROBLEM_TYPE, merge(JSON.stringify(problemOf(error, status)), more))
  }

  /** @param contentType undefined where the answer has no body. */
  #send(status: number, headers: string[], contentType: string | undefined, body: string | Uint8Array): void {
    if (this.#answered) return
    this.#answered = true
    const { request, response } = this
    this.#release()
    // Whoever asked has gone.
    if (response.destroyed || response.headersSent || request.socket.destroyed) return
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (contentType !== undefined) headers.push('content-type', contentType, 'content-length', String(bytes))
    const isUnread = !request.complete && isLargeBody(request)
    if (isUnread || this.#isClosing()) headers.push('connection', 'close')
    response.writeHead(status, headers)
    if (isUnread) {
      response.write(body)
      this.#discardRest()
    } else if (typeof body !== 'string') response.end(body)
    // As long in UTF-8 as it is means ASCII, which Node writes out faster when it is told.
    else response.end(body, bytes === body.length ? 'latin1' : 'utf8')
  }

  /** The answer is out and complete by its length; what follows only delays the close. */
  #discardRest(): void {
    const { request, response } = this
    const end = () => {
      cancel()
      response.end()
    }
    const cancel = this.#clock.after(LINGER_MS, end)
    request.once('close', end)
    request.resume()
  }

  #release(): void {
    if (this.#held !== undefined) this.#load.end(this.#held)
    this.#held = undefined
  }
}

/** Two objects' JSON text as one object's. */
function merge(json: string, more: string): string {
  return more === '{}' ? json : `${json.slice(0, -1)},${more.slice(1)}`
}

function isLargeBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true
  return Number(request.headers['content-length'] ?? 0) > DISCARD_BYTES
}
