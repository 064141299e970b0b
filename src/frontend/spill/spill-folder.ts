import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../errors.ts'
import { fileBytes } from './file-bytes.ts'

/** With less room than this the disk is full, whatever the limit. */
const DISK_FULL_BYTES = 32_000_000

/** Where a spill keeps its log: in a folder of its own inside the one that was named, so that nothing else is ever removed with it. */
export class SpillFolder {
  readonly #directory: string
  /** The log's. */
  readonly path: string
  readonly #drained: string

  constructor(directory: string) {
    this.#directory = directory
    this.path = join(directory, 'log')
    this.#drained = join(directory, 'log.drained')
  }

  /** Makes it, and finishes a removal that a crash cut short. @throws CONFIG_INVALID */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await rm(this.#drained, { recursive: true, force: true })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new MillraceError('CONFIG_INVALID', `The spill's folder ${this.#directory} cannot be used: ${why}.`, {
        fix: 'Make it writable for this user, name another, or set the spill’s size to 0 to do without.',
        cause,
      })
    }
  }

  /** Whether there is a log in it, with or without data. */
  async exists(): Promise<boolean> {
    return (await readdir(this.#directory)).includes('log')
  }

  /** Gives the space back. A rename first: a crash in the middle must not leave half a log to be opened. */
  async remove(): Promise<void> {
    await rename(this.path, this.#drained)
    await rm(this.#drained, { recursive: true, force: true })
  }

  /** Bytes of the log's files. One that goes away meanwhile counts nothing. */
  async bytes(): Promise<number> {
    return fileBytes(this.path, await readdir(this.path))
  }

  /** Whether it is the disk that is full, rather than what the log may take of it. */
  async isDiskFull(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.path)
    return bavail * bsize < DISK_FULL_BYTES
  }
}
