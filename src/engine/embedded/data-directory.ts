import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { MillraceError } from '../../errors.ts'

/**
 * Makes a data directory, and the files named in it, for their owner only: they hold every datum and the keys' hashes. What is
 * there already keeps its rights, so that an operator may give a group access. @throws CONFIG_INVALID where that is not possible.
 */
export function makeDataDirectory(directory: string, files: readonly string[] = []): void {
  try {
    const path = resolve(directory)
    const made = mkdirSync(path, { recursive: true, mode: 0o700 })
    if (made !== undefined) keepEntries(path, made)
    // In a directory that others may enter, SQLite would make its files readable for all; it gives the log beside a file the file's rights.
    for (const file of files) closeSync(openSync(join(directory, file), 'a', 0o600))
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `The data directory ${directory} cannot be used: ${reasonOf(cause)}.`, {
      fix: 'Make it writable for this user, or name another with --data.',
      cause,
    })
  }
}

/** A power cut must not take the new folders from their parents, with all that was acknowledged in them; SQLite sees to its own files (I1). */
function keepEntries(directory: string, made: string): void {
  // Windows opens no folder, and writes their entries through.
  if (process.platform === 'win32') return
  for (let at = directory; at.length >= made.length; at = dirname(at)) {
    const parent = openSync(dirname(at), 'r')
    try {
      fsyncSync(parent)
    } finally {
      closeSync(parent)
    }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
