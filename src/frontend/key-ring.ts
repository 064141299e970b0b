import { hash, timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import { isErrno, type KeptKey } from './key-file.ts'
import type { Producer } from './producer.ts'

const CHECK_EVERY_MS = 500
const MAX_HEADER = 512
const NO_HASH = Buffer.alloc(32)

/** The keys of a ring: where they are kept, and whom each speaks for. */
export interface KeySource<Holder> {
  readonly file: string
  /** Undefined where there is no file. @throws CONFIG_INVALID */
  read(): Promise<readonly { readonly key: KeptKey; readonly holder: Holder }[] | undefined>
  /** The command that makes one. */
  readonly adding: string
}

interface HeldKey<Holder> {
  readonly sha256: Buffer
  readonly expiresMs: number
  readonly holder: Holder
}

/**
 * The API keys in force. A change of the file is noticed within a second by looking at it twice a second: the folder also holds
 * the log, and watching that would wake us at every write.
 *
 * No file: `keyless`, and whoever reaches the (loopback) listener may send. A file without keys: nobody may. So revoking the
 * last key does not open the door.
 */
export class KeyRing<Holder = Producer> {
  readonly #source: KeySource<Holder>
  readonly #clock: Clock
  #keys: ReadonlyMap<string, HeldKey<Holder>> = new Map()
  /** By connection, what it last proved by the keys as they are now. */
  #proven = new WeakMap<object, { readonly authorization: string; readonly key: HeldKey<Holder> }>()
  #keyless = true
  #version = ''
  #problem: MillraceError | undefined
  #cancel: () => void = () => {}
  #closed = false

  private constructor(source: KeySource<Holder>, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** @throws CONFIG_INVALID where the file cannot be read. */
  static async open<Holder>(source: KeySource<Holder>, clock: Clock): Promise<KeyRing<Holder>> {
    const ring = new KeyRing(source, clock)
    await ring.reload()
    if (ring.#problem !== undefined) throw ring.#problem
    ring.#watch()
    return ring
  }

  /** Nobody has set a key up. */
  get keyless(): boolean {
    return this.#keyless
  }
  get count(): number {
    return this.#keys.size
  }
  /** Why the file as it is now could not be used; the keys of before stay in force meanwhile. */
  get problem(): MillraceError | undefined {
    return this.#problem
  }

  /**
   * Whose key it is. What a connection has proven once it need not prove again while the keys are the same: it is compared only
   * with what it has sent itself, which tells it nothing, and hashing would be a tenth of what a request costs.
   * @throws KEY_MISSING, KEY_INVALID; the second never says what was wrong with it.
   */
  authenticate(authorization: string | undefined, connection: object): Holder {
    const proven = this.#proven.get(connection)
    if (proven !== undefined && proven.authorization === authorization && proven.key.expiresMs > this.#clock.now()) return proven.key.holder
    const key = this.#verify(authorization)
    // verify() has thrown where there is none.
    this.#proven.set(connection, { authorization: authorization as string, key })
    return key.holder
  }

  #verify(authorization: string | undefined): HeldKey<Holder> {
    if (authorization === undefined) {
      throw new MillraceError('KEY_MISSING', 'The request has no API key.', {
        fix: `Send it as \`Authorization: Bearer <key>\`; \`${this.#source.adding}\` makes one.`,
      })
    }
    const dot = authorization.indexOf('.')
    const known = isBearer(authorization) && dot > 0 ? this.#keys.get(authorization.slice(7, dot)) : undefined
    // An unknown id takes as long as a wrong secret, so that time does not tell which ids there are.
    const secret = authorization.length <= MAX_HEADER ? authorization.slice(dot + 1) : ''
    const same = timingSafeEqual(hash('sha256', secret, 'buffer'), known?.sha256 ?? NO_HASH)
    if (known === undefined || !same || known.expiresMs <= this.#clock.now()) {
      throw new MillraceError('KEY_INVALID', 'The API key is unknown, revoked or expired.', {
        fix: 'Send a valid one as `Authorization: Bearer <key>`; `millrace keys list` shows which there are.',
      })
    }
    return known
  }

  /** Whether a key is in force, by its id: what was opened with it ends with it. */
  holds(id: string): boolean {
    const key = this.#keys.get(id)
    return key !== undefined && key.expiresMs > this.#clock.now()
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** Reads the file again where it has changed. */
  async reload(): Promise<void> {
    try {
      const version = await versionOf(this.#source.file)
      if (version === this.#version) return
      const records = await this.#source.read()
      this.#keyless = records === undefined
      this.#proven = new WeakMap()
      this.#keys = new Map((records ?? []).map(({ key, holder }) => [key.id, held(key, holder)]))
      this.#version = version
      this.#problem = undefined
    } catch (error) {
      this.#problem =
        error instanceof MillraceError
          ? error
          : new MillraceError('CONFIG_INVALID', `The API keys in ${this.#source.file} cannot be read.`, {
              fix: 'Check who owns the file; the keys of before stay in force meanwhile.',
              cause: error,
            })
    }
  }

  #watch(): void {
    this.#cancel = this.#clock.after(CHECK_EVERY_MS, () => {
      void this.reload().then(() => {
        if (!this.#closed) this.#watch()
      })
    })
  }
}

function held<Holder>(key: KeptKey, holder: Holder): HeldKey<Holder> {
  return {
    sha256: Buffer.from(key.sha256, 'hex'),
    expiresMs: key.expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expires),
    holder,
  }
}

function isBearer(authorization: string): boolean {
  return authorization.startsWith('Bearer ') || authorization.slice(0, 7).toLowerCase() === 'bearer '
}

/** Changes whenever the file is replaced or written. */
async function versionOf(file: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(file, { bigint: true })
    return `${ino}/${mtimeNs}/${size}`
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'none'
    throw error
  }
}
