import { hash, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MillraceError } from '../errors.ts'
import { syncFolder } from './sync-folder.ts'

/** An API key as it is kept. The secret itself is shown once, when the key is added, and is nowhere afterwards. */
export interface KeyRecord {
  readonly id: string
  /** SHA-256 of the secret, hex. */
  readonly sha256: string
  /** Who the key speaks for: the `source` of everything sent with it. */
  readonly source: string
  /** Topics it may write to; `'*'` means every topic that no agent writes. */
  readonly topics: readonly string[] | '*'
  /** RFC 3339. */
  readonly created: string
  /** RFC 3339; absent means never. */
  readonly expires?: string
}

export interface NewKey {
  readonly source: string
  readonly topics: readonly string[] | '*'
  readonly expiresMs?: number
}

const ID_RANDOM_BYTES = 9
const SECRET_BYTES = 32
const MAX_SOURCE_BYTES = 255
const LOCK_WAIT_MS = 20
const LOCK_TRIES = 250
/** A writer that died leaves its temporary file behind; nobody takes this long to write one. */
const LOCK_STALE_MS = 30_000

/** Makes a key and keeps its hash. `key` (`id.secret`) is what the producer sends: `Authorization: Bearer <key>`. @throws CONFIG_INVALID */
export async function addKey(file: string, wanted: NewKey, nowMs = Date.now()): Promise<{ key: string; record: KeyRecord }> {
  checkSource(wanted.source)
  if (wanted.topics !== '*' && wanted.topics.length === 0) {
    throw new MillraceError('CONFIG_INVALID', 'The key names no topic.', { fix: "Name the topics that it may write to, or '*'." })
  }
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const record: KeyRecord = {
    id: `k${randomBytes(ID_RANDOM_BYTES).toString('base64url')}`,
    sha256: hash('sha256', secret),
    source: wanted.source,
    topics: wanted.topics,
    created: new Date(nowMs).toISOString(),
    ...(wanted.expiresMs === undefined ? {} : { expires: new Date(wanted.expiresMs).toISOString() }),
  }
  await change(file, keys => [...keys, record])
  return { key: `${record.id}.${secret}`, record }
}

/** Every key there is, expired ones too; none where there is no file. @throws CONFIG_INVALID where the file is not what addKey writes. */
export async function listKeys(file: string): Promise<readonly KeyRecord[]> {
  return (await readKeys(file)) ?? []
}

/** @returns whether there was such a key. */
export async function revokeKey(file: string, id: string): Promise<boolean> {
  let found = false
  await change(file, keys => {
    found = keys.some(key => key.id === id)
    return keys.filter(key => key.id !== id)
  })
  return found
}

/** The keys, or undefined where there is no file. @throws CONFIG_INVALID */
export async function readKeys(file: string): Promise<readonly KeyRecord[] | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw new MillraceError('CONFIG_INVALID', `The API keys in ${file} cannot be read.`, { fix: 'Check who owns the file.', cause: error })
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (isKeyFile(parsed)) return parsed.keys
  } catch (cause) {
    throw notAKeyFile(file, cause)
  }
  throw notAKeyFile(file)
}

/** @throws CONFIG_INVALID where a text could not be a datum's source. */
export function checkSource(source: string): void {
  if (isSource(source)) return
  throw new MillraceError('CONFIG_INVALID', `The source is ${JSON.stringify(source.slice(0, 80))}.`, {
    fix: `Give it 1 to ${MAX_SOURCE_BYTES} bytes of text without control characters.`,
  })
}

export function isSource(source: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return source !== '' && Buffer.byteLength(source) <= MAX_SOURCE_BYTES && source.isWellFormed() && !/[\x00-\x1f\x7f]/.test(source)
}

/**
 * Reads, changes and writes the file as one step. The temporary file is also the lock: of two writers at once, the second
 * would otherwise put back what the first has just revoked.
 */
async function change(file: string, edit: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
  const temporary = `${file}.tmp`
  const handle = await openExclusive(temporary)
  try {
    try {
      const keys = edit(await listKeys(file))
      await handle.writeFile(`${JSON.stringify({ version: 1, keys }, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
    // Without this a power cut could bring a key back that was said to be revoked.
    await syncFolder(dirname(file))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
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

function isKeyFile(value: unknown): value is { keys: KeyRecord[] } {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false
  return value.keys.every(
    key =>
      typeof key?.id === 'string' &&
      /^[0-9a-f]{64}$/.test(key.sha256) &&
      typeof key.source === 'string' &&
      isSource(key.source) &&
      (key.topics === '*' || (Array.isArray(key.topics) && key.topics.every((topic: unknown) => typeof topic === 'string'))) &&
      (key.expires === undefined || !Number.isNaN(Date.parse(key.expires))),
  )
}

function notAKeyFile(file: string, cause?: unknown): MillraceError {
  return new MillraceError('CONFIG_INVALID', `${file} does not hold API keys.`, {
    fix: 'Put back the file as it was, or delete it and add the keys again with `millrace keys add`.',
    cause,
  })
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
