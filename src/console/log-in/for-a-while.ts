import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'

const SECRET_BYTES = 32

/**
 * What is kept for a while under a secret of 256 random bits. Only the secret's hash is here, so looking it up tells nothing of it by the time
 * that it takes. Bounded: where it is full the oldest goes.
 */
export class ForAWhile<T> {
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #most: number
  readonly #kept = new Map<string, { readonly value: T; readonly endsMs: number }>()

  constructor(clock: Clock, lifeMs: number, most: number) {
    this.#clock = clock
    this.#lifeMs = lifeMs
    this.#most = most
  }

  /** @returns the secret. */
  put(value: T): string {
    if (this.#kept.size >= this.#most) this.#makeRoom()
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    this.#kept.set(nameOf(secret), { value, endsMs: this.#clock.now() + this.#lifeMs })
    return secret
  }

  get(secret: string | undefined): T | undefined {
    if (secret === undefined) return undefined
    const name = nameOf(secret)
    const found = this.#kept.get(name)
    if (found === undefined || found.endsMs > this.#clock.now()) return found?.value
    this.#kept.delete(name)
    return undefined
  }

  /** Once. */
  take(secret: string | undefined): T | undefined {
    const value = this.get(secret)
    if (secret !== undefined) this.#kept.delete(nameOf(secret))
    return value
  }

  #makeRoom(): void {
    const now = this.#clock.now()
    for (const [name, { endsMs }] of this.#kept) if (endsMs <= now) this.#kept.delete(name)
    // The order of a map is that in which it was filled.
    for (const name of this.#kept.keys()) {
      if (this.#kept.size < this.#most) return
      this.#kept.delete(name)
    }
  }
}

function nameOf(secret: string): string {
  return hash('sha256', secret)
}
