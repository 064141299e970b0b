import { createHash, type Hash, randomBytes } from 'node:crypto'
import { appendFileSync, constants, createReadStream } from 'node:fs'
import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { MillraceError } from '../../../errors.ts'
import type { Aside } from '../../formats/aside.ts'
import { shortHash } from '../../formats/safe-name.ts'
import type { Roll } from '../../storage.ts'
import type { Place } from './place.ts'

const PIECE_BYTES = 1024 * 1024
/** Only its owner may look: data of a company pass through here. */
const PRIVATE = 0o700

/**
 * The folder below which rolls are spooled, made where it is not there.
 * @throws CONFIG_INVALID where the default is another's or open to others; STORE_UNAVAILABLE where it cannot be made.
 */
export async function spoolRoot(staging: string | undefined): Promise<string> {
  const user = process.getuid?.()
  const root = staging === undefined ? join(tmpdir(), `millrace-s3-${user ?? 'spool'}`) : resolve(staging)
  try {
    await mkdir(root, { recursive: true, mode: PRIVATE })
    if (staging !== undefined) return root
    const { uid, mode } = await lstat(root)
    // In a temporary folder that all users share, another may have made it first.
    if (user !== undefined && (uid !== user || (mode & 0o077) !== 0))
      throw new MillraceError('CONFIG_INVALID', `${root} is not this user's own, or open to others, and data are spooled there.`, {
        fix: 'Remove it, or name a folder of your own with staging.',
      })
    return root
  } catch (error) {
    throw failed(error, root)
  }
}

/**
 * One attempt's files on the local disk until they are uploaded. They need not outlast a crash: whoever takes the roll up again writes
 * them anew. An attempt removes what others of its partition have left, and one of those that still runs, unaware that it has lost
 * its lease, finds its files gone and fails.
 */
export class Spool implements Aside {
  readonly #folder: string
  readonly #name = randomBytes(8).toString('hex')
  readonly #hashes = new Map<string, Hash>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(root: string, { bucket, prefix }: Place, { writer, topic, partition }: Roll): Promise<Spool> {
    // Not the endpoint: a bucket that is reached another way is the same, and what was spooled for it would stay for ever.
    const folder = join(root, `${writer}-${shortHash(`${bucket}\0${prefix}\0${topic.name}`)}-${partition}`)
    try {
      await mkdir(folder, { recursive: true, mode: PRIVATE })
      for (const name of await readdir(folder)) await rm(join(folder, name), { force: true })
    } catch (error) {
      throw failed(error, folder)
    }
    return new Spool(folder)
  }

  begin(bytes: Uint8Array): string {
    const temporary = join(this.#folder, `${this.#name}-${this.#hashes.size}`)
    this.#hashes.set(temporary, createHash('sha256'))
    this.#write(temporary, bytes, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
    return temporary
  }

  append(temporary: string, bytes: Uint8Array): void {
    // Without O_CREAT: a file that was removed must not begin anew in its middle.
    this.#write(temporary, bytes, constants.O_WRONLY | constants.O_APPEND)
  }

  /** Of a file that is written whole; only once. */
  sha256(temporary: string): Buffer {
    return this.#hashes.get(temporary)!.digest()
  }

  async remove(temporary: string): Promise<void> {
    await rm(temporary, { force: true }).catch((error: unknown) => {
      throw failed(error, this.#folder)
    })
  }

  /** Removes all that is left of this attempt. */
  async discard(): Promise<void> {
    for (const temporary of this.#hashes.keys()) await this.remove(temporary)
    await rmdir(this.#folder).catch((error: unknown) => {
      // Another attempt uses it, or has removed it.
      if (!(error instanceof Error && 'code' in error && /^(ENOTEMPTY|EEXIST|ENOENT)$/.test(String(error.code))))
        throw failed(error, this.#folder)
    })
  }

  #write(temporary: string, bytes: Uint8Array, flags: number): void {
    try {
      // Node's types allow flags as text alone; its documentation numbers too.
      appendFileSync(temporary, bytes, { flag: flags as unknown as string, mode: 0o600 })
    } catch (error) {
      throw failed(error, this.#folder)
    }
    this.#hashes.get(temporary)!.update(bytes)
  }
}

/** A spooled file, piece by piece. Fails with the signal's reason when that aborts. */
export function readPieces(path: string, signal: AbortSignal): Readable {
  const pieces = async function* () {
    try {
      for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
        signal.throwIfAborted()
        yield piece
      }
    } catch (error) {
      throw failed(error, dirname(path))
    }
  }
  return Readable.from(pieces())
}

/** What the local disk refused, as STORE_UNAVAILABLE: data wait in the stream until it is mended. Anything else as it is. */
export function failed(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  return new MillraceError('STORE_UNAVAILABLE', `Spooling a roll in ${folder} failed: ${error.message}.`, {
    fix: full
      ? 'Make room on the disk, or name a folder on a larger one with staging.'
      : 'Let this process write there, or name another folder with staging.',
    cause: error,
  })
}
