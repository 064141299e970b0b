import type { FastifyReply } from 'fastify'
import { toJsonText } from '../../envelope/json-text.ts'

/** Whoever has not taken what was sent for so long is let go; a browser that is still there comes back by itself. */
const STUCK_MS = 60_000
/** So much may wait for a reader of many events. */
const ROOM_BYTES = 262_144
/** How long a browser waits until it comes back. */
const RETRY_MS = 1_000

/** Server-sent events to one reader. What it does not take waits here, so nothing is sent to one that has not {@link drained}: that bounds it. */
export class EventStream {
  readonly #raw: FastifyReply['raw']
  #stuckSinceMs: number | undefined

  /** Takes the answer over from Fastify, with the headers that were set by then. @param onEnd called once, when the reader has gone. */
  constructor(reply: FastifyReply, onEnd: () => void) {
    this.#raw = reply.raw
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) this.#raw.setHeader(name, value)
    this.#raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // What stands between would gather events before it hands them on.
      'x-accel-buffering': 'no',
    })
    this.#raw.on('close', onEnd)
    // A reader that goes away in the middle of an event is none of our errors.
    this.#raw.on('error', () => this.#raw.destroy())
    this.#raw.write(`retry: ${RETRY_MS}\n\n`)
  }

  /** Whether it has taken all that was sent; one that is stuck is let go. */
  drained(nowMs: number): boolean {
    if (this.#raw.writableLength === 0) {
      this.#stuckSinceMs = undefined
      return true
    }
    this.#stuckSinceMs ??= nowMs
    if (nowMs - this.#stuckSinceMs >= STUCK_MS) this.end()
    return false
  }

  /** For events that come faster than they are looked after: whether there is room for one more, though not all has been taken. */
  get hasRoom(): boolean {
    return this.#raw.writableLength < ROOM_BYTES
  }

  /** @param text what {@link eventText} makes: once for all readers. */
  send(text: string): void {
    this.#raw.write(text)
  }

  /** Says that somebody is there, and nothing else. */
  beat(): void {
    this.#raw.write(':\n\n')
  }

  end(): void {
    this.#raw.destroy()
  }
}

/** An event as it goes over the wire. JSON text has no line breaks. */
export function eventText(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${toJsonText(value)}\n\n`
}
