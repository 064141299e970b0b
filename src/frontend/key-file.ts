import { hash, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MillraceError } from '../errors.ts'
import { syncFolder } from './sync-folder.ts'

/** A key as it is kept, whatever it is for. The secret itself is shown once, when the key is added, and is nowhere afterwards. */
export interface KeptKey {
  readonly id: string
  /** SHA-256 of the secret, hex. */
  readonly sha256: string
  /** RFC 3339. */
  readonly created: string
  /** RFC 3339; absent means never. */
  readonly expires?: string
}

const ID_RANDOM_BYTES = 9
const SECRET_BYTES = 32
const LOCK_WAIT_MS = 20
const LOCK_TRIES = 250
/** A writer that died leaves its temporary file behind; nobody takes this long to write one. */
const LOCK_STALE_MS = 30_000

/** A file of keys of one kind. */
export class KeyFile<Key extends KeptKey> {
  readonly path: string
  readonly #prefix: string
  readonly #isOne: (key: Record<string, unknown>) => boolean

  /**
   * @param prefix a letter that ids begin with, so that one is told from a key of another kind.
   * @param isOne whether what is there beside a {@link KeptKey} is right.
   */
  constructor(path: string, prefix: string, isOne: (key: Record<string, unknown>) => boolean) {
    this.path = path
    this.#prefix = prefix
    this.#isOne = isOne
  }

  /** Makes a key and keeps its hash. `key` (`id.secret`) is what is sent: `Authorization: Bearer <key>`. */
  async add(own: Omit<Key, keyof KeptKey>, expiresMs: number | undefined, nowMs: number): Promise<{ key: string; record: Key }> {
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const kept: KeptKey = {
      id: `${this.#prefix}${randomBytes(ID_RANDOM_BYTES).toString('base64url')}`,
      sha256: hash('sha256', secret),
      created: new Date(nowMs).toISOString(),
      ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() }),
    }
    // The compiler cannot put a type parameter together again from its two parts.
    const record = { ...kept, ...own } as Key
    await this.#change(keys => [...keys, record])
    return { key: `${record.id}.${secret}`, record }
  }

  /** The keys, expired ones too; undefined where there is no file. @throws CONFIG_INVALID where the file is not what {@link add} writes. */
  async read(): Promise<readonly Key[] | undefined> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw new MillraceError('CONFIG_INVALID', `The API keys in ${this.path} cannot be read.`, {
        fix: 'Check who owns the file.',
        cause: error,
      })
    }
    try {
      const parsed: unknown = JSON.parse(text)
      if (this.#holdsKeys(parsed)) return parsed.keys
    } catch (cause) {
      throw this.#strange(cause)
    }
    throw this.#strange()
  }

  /** @returns whether there was such a key. */
  async revoke(id: string): Promise<boolean> {
    let found = false
    await this.#change(keys => {
      found = keys.some(key => key.id === id)
      return keys.filter(key => key.id !== id)
    })
    return found
  }

  /**
   * Reads, changes and writes the file as one step. The temporary file is also the lock: of two writers at once, the second
   * would otherwise put back what the first has just revoked.
   */
  async #change(edit: (keys: readonly Key[]) => readonly Key[]): Promise<void> {
    const temporary = `${this.path}.tmp`
    const handle = await openExclusive(temporary)
    try {
      try {
        const keys = edit((await this.read()) ?? [])
        await handle.writeFile(`${JSON.stringify({ version: 1, keys }, null, 2)}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, this.path)
      // Without this a power cut could bring a key back that was said to be revoked.
      await syncFolder(dirname(this.path))
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  #holdsKeys(value: unknown): value is { keys: Key[] } {
    if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false
    return value.keys.every(
      key =>
        typeof key?.id === 'string' &&
        /^[0-9a-f]{64}$/.test(key.sha256) &&
        (key.expires === undefined || !Number.isNaN(Date.parse(key.expires))) &&
        this.#isOne(key),
    )
  }

  #strange(cause?: unknown): MillraceError {
    return new MillraceError('CONFIG_INVALID', `${this.path} does not hold API keys.`, {
      fix: 'Put back the file as it was, or delete it and add the keys again with `millrace keys add`.',
      cause,
    })
  }
}

/** A list of names, or `'*'`, as keys hold them. */
export function isNames(value: unknown): boolean {
  return value === '*' || (Array.isArray(value) && value.every(name => typeof name === 'string'))
}

async function openExclusive(path: string) {
  for (let tries = 1; ; tries++) {
    try {
      // For its owner only: hashes are no secrets, but sources and topics need not be read by everyone.
      return await open(path, 'wx', 0o600)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      const since = await stat(path).then(
        found => found.mtimeMs,
        () => Date.now(),
      )
      if (Date.now() - since > LOCK_STALE_MS) await rm(path, { force: true })
      else if (tries >= LOCK_TRIES) {
        throw new MillraceError('CONFIG_INVALID', `Another process is changing the API keys (${path} exists).`, {
          fix: 'Try again; if nobody does, delete that file.',
        })
      } else await delay(LOCK_WAIT_MS)
    }
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
