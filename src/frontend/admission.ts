import type { IncomingMessage } from 'node:http'
import { MillraceError } from '../errors.ts'
import type { KeyRing } from './key-ring.ts'
import { isSource } from './keys.ts'
import { isLoopbackAuthority } from './loopback.ts'
import { Producer } from './producer.ts'

const DEFAULT_SOURCE = 'local'
const MAX_REMEMBERED = 1_000

/** Says who sends. Deny by default: with keys, by key alone; without keys, programs on this machine. */
export class Admission {
  readonly #ring: KeyRing
  readonly #isLoopback: boolean
  readonly #local = new Map<string, Producer>()

  constructor(ring: KeyRing, isLoopback: boolean) {
    this.#ring = ring
    this.#isLoopback = isLoopback
  }

  /** @throws KEY_MISSING, KEY_INVALID, HEADER_INVALID */
  producer(request: IncomingMessage): Producer {
    const { headers } = request
    // A listener that others reach stays shut when its key file disappears.
    if (!this.#ring.keyless || !this.#isLoopback || headers.authorization !== undefined)
      return this.#ring.authenticate(headers.authorization, request.socket)
    checkLocal(request)
    return this.#named(headers['millrace-source'])
  }

  #named(header: string | string[] | undefined): Producer {
    const source = header === undefined ? DEFAULT_SOURCE : String(header)
    const known = this.#local.get(source)
    if (known !== undefined) return known
    if (!isSource(source)) {
      throw new MillraceError('HEADER_INVALID', 'The Millrace-Source cannot be used.', { fix: 'Send 1 to 255 bytes of text.' })
    }
    if (this.#local.size >= MAX_REMEMBERED) this.#local.clear()
    const producer = new Producer(source, 'all')
    this.#local.set(source, producer)
    return producer
  }
}

/**
 * A web page that someone on this machine looks at is not a program of theirs, though the browser would send from here: it gives
 * itself away by its Origin, or by a name of its own that it has made point here (DNS rebinding). @throws KEY_MISSING
 */
export function checkLocal({ headers: { host, origin } }: IncomingMessage): void {
  const isLocalOrigin = origin === undefined || isLoopbackAuthority(origin.replace(/^https?:\/\//, ''))
  if (isLocalOrigin && (host === undefined || isLoopbackAuthority(host))) return
  throw new MillraceError('KEY_MISSING', 'Web pages and other hosts need an API key.', {
    fix: 'Add one with `millrace keys add`, or send to 127.0.0.1 or localhost.',
  })
}
