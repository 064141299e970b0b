import { appendFileSync, constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { MillraceError } from '../../../errors.ts'

/** The steps that touch the disk, each of which may be the last before a crash: tests put one in its place that fails where they say. */
export interface Disk {
  /** Makes the folder and those above it. @returns the topmost one that was not there, undefined where all were. */
  makeFolder(path: string): Promise<string | undefined>
  /**
   * Synchronous: a roll's thread has nothing else to do, and a promise for each piece costs more than the write.
   * @param more the file must be there already: where another has removed it, what followed would be a file without its beginning.
   */
  append(path: string, bytes: Uint8Array, more?: boolean): void
  /** Makes a file's bytes, or a folder's names, outlast a power cut. */
  sync(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or folder with what is in it; it need not exist. */
  remove(path: string): Promise<void>
  /** Names in a folder; none where there is no such folder. */
  list(path: string): Promise<string[]>
  /** A file's text; empty where there is no such file. */
  read(path: string): Promise<string>
}

export const nodeDisk: Disk = {
  makeFolder: path => mkdir(path, { recursive: true }),
  append(path, bytes, more = false) {
    const flags = constants.O_WRONLY | constants.O_APPEND | (more ? 0 : constants.O_CREAT)
    // Node's types allow flags as text alone; its documentation numbers too.
    appendFileSync(path, bytes, { flag: flags as unknown as string })
  },
  async sync(path) {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  rename,
  remove: path => rm(path, { recursive: true, force: true }),
  list: path => readdir(path).catch(none([])),
  read: path => readFile(path, 'utf8').catch(none('')),
}

function none<T>(value: T): (error: unknown) => T {
  return error => {
    if (errnoOf(error) === 'ENOENT') return value
    throw error
  }
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  return String(error.code)
}

const FIXES: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on the disk.',
  EDQUOT: 'Raise the quota or make room.',
  EACCES: 'Let this process write there.',
  EPERM: 'Let this process write there.',
  EROFS: 'Mount it writable.',
}

/** What the file system refused, as STORE_UNAVAILABLE: data wait until a person or time has mended it. Anything else as it is. */
export function unavailable(error: unknown, root: string): unknown {
  const code = errnoOf(error)
  if (code === undefined) return error
  // errnoOf has seen that it is an Error.
  const { message } = error as Error
  return new MillraceError('STORE_UNAVAILABLE', `Writing to ${root} failed: ${message}.`, {
    ...(FIXES[code] === undefined ? {} : { fix: FIXES[code] }),
    cause: error,
  })
}

/** The error of a folder that can never be one, such as a path through a file. */
export function unusable(error: unknown, root: string): unknown {
  const code = errnoOf(error)
  if (code !== 'ENOTDIR' && code !== 'EEXIST' && code !== 'ENAMETOOLONG') return unavailable(error, root)
  return new MillraceError('CONFIG_INVALID', `files('${root}') cannot be a folder: ${(error as Error).message}.`, {
    fix: 'Name another folder.',
    cause: error,
  })
}
