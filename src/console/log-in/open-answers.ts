import type { FastifyReply } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { Asking, LogIn } from './log-in.ts'
import { SESSION_MS } from './log-in.ts'

const LOOK_EVERY_MS = 500

/**
 * Answers under way. A tail or the live overview may be open for days: where the token is revoked, or the session ends, by which it was opened,
 * it is cut off within a second.
 */
export class OpenAnswers {
  readonly #logIn: LogIn
  readonly #clock: Clock
  readonly #open = new Map<FastifyReply, { readonly asking: Asking; readonly secret: string | undefined; readonly sinceMs: number }>()
  #cancel: () => void = () => undefined

  constructor(logIn: LogIn, clock: Clock) {
    this.#logIn = logIn
    this.#clock = clock
  }

  /** @param secret of the session's cookie, where there is one. */
  add(reply: FastifyReply, asking: Asking, secret: string | undefined): void {
    // It does not end while the process runs.
    if (asking.session === undefined && asking.identity.token === undefined) return
    if (this.#open.size === 0) this.#look()
    this.#open.set(reply, { asking, secret, sinceMs: this.#clock.now() })
    reply.raw.once('close', () => {
      this.#open.delete(reply)
      if (this.#open.size === 0) this.#cancel()
    })
  }

  close(): void {
    this.#cancel()
  }

  #look(): void {
    this.#cancel = this.#clock.after(LOOK_EVERY_MS, () => {
      for (const [reply, { asking, secret, sinceMs }] of this.#open) {
        const stands = asking.session === undefined || this.#logIn.stands(secret)
        const isYoung = this.#clock.now() - sinceMs < SESSION_MS
        if (!stands || !isYoung || !this.#logIn.holds(asking.identity)) reply.raw.destroy()
      }
      if (this.#open.size > 0) this.#look()
    })
  }
}
