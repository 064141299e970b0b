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
  /** The id of the key whose rights it took over. */
  readonly rotates?: string
}

/** A key that somebody has ended: kept for people to see, without the hash. */
export type RevokedKey<Key extends KeptKey> = Omit<Key, 'sha256'> & {
  /** RFC 3339. */
  readonly revoked: string
}

interface Contents<Key extends KeptKey> {
  readonly keys: readonly Key[]
  readonly revoked: readonly RevokedKey<Key>[]
}

const ID_RANDOM_BYTES = 9
const SECRET_BYTES = 32
/** Of those revoked, the last ones are remembered. */
const REVOKED_KEPT = 100
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
    const { kept, secret } = this.#newKey(expiresMs, nowMs)
    // The compiler cannot put a type parameter together again from its two parts.
    const record = { ...kept, ...own } as Key
    await this.#change(({ keys, revoked }) => ({ keys: [...keys, record], revoked }))
    return { key: `${record.id}.${secret}`, record }
  }

  /**
   * Makes a key of the rights of another, which holds for `graceMs` more, so that whoever sends with it can change over. It lasts as long as the
   * other was made for.
   * @throws KEY_UNKNOWN; KEY_OVER where it has expired, or has been rotated: of two rotations at once the second would leave a key that nobody knows of.
   */
  async rotate(id: string, graceMs: number, nowMs: number): Promise<{ key: string; record: Key }> {
    let made: { readonly key: string; readonly record: Key } | undefined
    await this.#change(({ keys, revoked }) => {
      const old = keys.find(key => key.id === id)
      if (old === undefined) throw unknownKey(id, this.path)
      checkHolds(old, keys, nowMs)
      const lastsMs = old.expires === undefined ? undefined : Date.parse(old.expires) - Date.parse(old.created)
      const { kept, secret } = this.#newKey(lastsMs === undefined ? undefined : nowMs + lastsMs, nowMs)
      const { expires: _, rotates: __, ...rights } = old
      const record = { ...rights, ...kept, rotates: id } as Key // as in add()
      made = { key: `${record.id}.${secret}`, record }
      const endsMs = Math.min(nowMs + graceMs, old.expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(old.expires))
      const ending: Key = { ...old, expires: new Date(endsMs).toISOString() }
      return { keys: [...keys.map(key => (key === old ? ending : key)), record], revoked }
    })
    return made!
  }

  /** The keys, expired ones too; undefined where there is no file. @throws CONFIG_INVALID where the file is not what {@link add} writes. */
  async read(): Promise<readonly Key[] | undefined> {
    return (await this.#read())?.keys
  }

  /** The last that were revoked, the newest first. @throws CONFIG_INVALID */
  async revoked(): Promise<readonly RevokedKey<Key>[]> {
    return (await this.#read())?.revoked.toReversed() ?? []
  }

  async #read(): Promise<Contents<Key> | undefined> {
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
      if (this.#holdsKeys(parsed)) return { keys: parsed.keys, revoked: parsed.revoked ?? [] }
    } catch (cause) {
      throw this.#strange(cause)
    }
    throw this.#strange()
  }

  /** @returns the key as it is remembered; undefined where there was none. */
  async revoke(id: string, nowMs: number): Promise<RevokedKey<Key> | undefined> {
    let found: RevokedKey<Key> | undefined
    await this.#change(({ keys, revoked }) => {
      const key = keys.find(each => each.id === id)
      if (key === undefined) return { keys, revoked }
      const { sha256: _, ...shown } = key
      found = { ...shown, revoked: new Date(nowMs).toISOString() }
      return { keys: keys.filter(each => each !== key), revoked: [...revoked, found].slice(-REVOKED_KEPT) }
    })
    return found
  }

  #newKey(expiresMs: number | undefined, nowMs: number): { readonly kept: KeptKey; readonly secret: string } {
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    const kept = {
      id: `${this.#prefix}${randomBytes(ID_RANDOM_BYTES).toString('base64url')}`,
      sha256: hash('sha256', secret),
      created: new Date(nowMs).toISOString(),
      ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() }),
    }
    return { kept, secret }
  }

  /**
   * Reads, changes and writes the file as one step. The temporary file is also the lock: of two writers at once, the second
   * would otherwise put back what the first has just revoked.
   */
  async #change(edit: (contents: Contents<Key>) => Contents<Key>): Promise<void> {
    const temporary = `${this.path}.tmp`
    const handle = await openExclusive(temporary)
    try {
      try {
        const { keys, revoked } = edit((await this.#read()) ?? { keys: [], revoked: [] })
        // Beside the keys and not among them: a Millrace that knows no revoked keys must not take one for a key in force.
        const contents = { version: 1, keys, ...(revoked.length === 0 ? {} : { revoked }) }
        await handle.writeFile(`${JSON.stringify(contents, null, 2)}\n`)
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

  #holdsKeys(value: unknown): value is { keys: Key[]; revoked?: RevokedKey<Key>[] } {
    if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false
    if ('revoked' in value && !(Array.isArray(value.revoked) && value.revoked.every(key => typeof key?.revoked === 'string'))) return false
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

function checkHolds(key: KeptKey, keys: readonly KeptKey[], nowMs: number): void {
  const next = keys.find(each => each.rotates === key.id)
  const why =
    next !== undefined
      ? `The key ${key.id} was rotated already: ${next.id} has its rights.`
      : key.expires !== undefined && Date.parse(key.expires) <= nowMs
        ? `The key ${key.id} has expired.`
        : undefined
  if (why !== undefined) throw new MillraceError('KEY_OVER', why, { fix: next === undefined ? 'Add a new one.' : `Rotate ${next.id}.` })
}

export function unknownKey(id: string, path: string): MillraceError {
  return new MillraceError('KEY_UNKNOWN', `There is no key '${id}' in ${path}.`, { fix: 'millrace keys list shows those that there are.' })
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
      if (!isErrno(error, 'EEXIST')) throw unwritable(path, error)
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

/** Such as a secret that an orchestrator mounts read-only: then it is changed there. */
function unwritable(path: string, cause: unknown): unknown {
  if (!['EROFS', 'EACCES', 'EPERM', 'ENOENT'].some(code => isErrno(cause, code))) return cause
  return new MillraceError('CONFIG_INVALID', `The API keys beside ${path} cannot be changed from here.`, {
    fix: 'Change them where the file comes from, or give this process the right to write there.',
    cause,
  })
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
