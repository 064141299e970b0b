import { MillraceError } from '../errors.ts'
import { isNames, type KeptKey, KeyFile, type RevokedKey } from './key-file.ts'

/** A producer's API key as it is kept. */
export interface KeyRecord extends KeptKey {
  /** Who the key speaks for: the `source` of everything sent with it. */
  readonly source: string
  /** Topics it may write to; `'*'` means every topic that no agent writes. */
  readonly topics: readonly string[] | '*'
}

export interface NewKey {
  readonly source: string
  readonly topics: readonly string[] | '*'
  readonly expiresMs?: number
}

const MAX_SOURCE_BYTES = 255

/** Makes a key and keeps its hash. `key` (`id.secret`) is what the producer sends: `Authorization: Bearer <key>`. @throws CONFIG_INVALID */
export async function addKey(file: string, wanted: NewKey, nowMs = Date.now()): Promise<{ key: string; record: KeyRecord }> {
  checkSource(wanted.source)
  if (wanted.topics !== '*' && wanted.topics.length === 0) {
    throw new MillraceError('CONFIG_INVALID', 'The key names no topic.', { fix: "Name the topics that it may write to, or '*'." })
  }
  return keyFile(file).add({ source: wanted.source, topics: wanted.topics }, wanted.expiresMs, nowMs)
}

/** Every key there is, expired ones too; none where there is no file. @throws CONFIG_INVALID where the file is not what addKey writes. */
export async function listKeys(file: string): Promise<readonly KeyRecord[]> {
  return (await readKeys(file)) ?? []
}

/** Ends a key at once. @returns it as it is remembered; undefined where there was none. */
export async function revokeKey(file: string, id: string, nowMs = Date.now()): Promise<RevokedKey<KeyRecord> | undefined> {
  return keyFile(file).revoke(id, nowMs)
}

/** Makes a key of the same rights, and ends the old one after a grace. @throws KEY_UNKNOWN, KEY_OVER */
export async function rotateKey(
  file: string,
  id: string,
  graceMs: number,
  nowMs = Date.now(),
): Promise<{ key: string; record: KeyRecord }> {
  return keyFile(file).rotate(id, graceMs, nowMs)
}

/** The last hundred that were revoked, the newest first. @throws CONFIG_INVALID */
export async function revokedKeys(file: string): Promise<readonly RevokedKey<KeyRecord>[]> {
  return keyFile(file).revoked()
}

/** The keys, or undefined where there is no file. @throws CONFIG_INVALID */
export async function readKeys(file: string): Promise<readonly KeyRecord[] | undefined> {
  return keyFile(file).read()
}

function keyFile(path: string): KeyFile<KeyRecord> {
  return new KeyFile(path, 'k', ({ source, topics }) => typeof source === 'string' && isSource(source) && isNames(topics))
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
