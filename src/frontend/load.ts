import { MillraceError } from '../errors.ts'
import type { Limits } from './limits.ts'

/**
 * What is in hand: requests that have begun and bytes of theirs that are held. Both are bounded, so that an engine that falls
 * behind costs producers a 503 and the process no memory.
 */
export class Load {
  readonly #limits: Limits
  #requests = 0
  #bytes = 0
  #idle: (() => void) | undefined

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get requests(): number {
    return this.#requests
  }
  get bytes(): number {
    return this.#bytes
  }

  /** @throws OVERLOADED */
  begin(): void {
    if (this.#requests >= this.#limits.inFlightRequests) {
      throw new MillraceError('OVERLOADED', `${this.#requests} requests wait for their answer.`, { fix: 'Send again later.' })
    }
    this.#requests++
  }

  /** @throws OVERLOADED; nothing is held then. */
  hold(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.inFlightBytes) {
      throw new MillraceError('OVERLOADED', `${this.#bytes} bytes wait to be stored.`, { fix: 'Send again later.' })
    }
    this.#bytes += bytes
  }

  end(bytes: number): void {
    this.#requests--
    this.#bytes -= bytes
    if (this.#requests === 0) this.#idle?.()
  }

  /** Resolves when nothing is in hand. */
  async drained(): Promise<void> {
    if (this.#requests === 0) return
    await new Promise<void>(resolve => {
      this.#idle = resolve
    })
  }
}
