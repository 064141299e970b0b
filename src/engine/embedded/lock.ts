import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'

export const LOCK_FILE = 'lock.db'
const PID_FILE = 'lock.pid'

/**
 * One process per data directory: an exclusive lock of the operating system on a file of its own, which ends with the process
 * however it dies. @returns what lets go of it. @throws DATA_DIRECTORY_LOCKED naming the process.
 */
export function lockDirectory(directory: string): () => void {
  const db = new DatabaseSync(join(directory, LOCK_FILE))
  const pidFile = join(directory, PID_FILE)
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    throw new MillraceError('DATA_DIRECTORY_LOCKED', `${directory} is in use by process ${pidIn(pidFile)}.`, {
      fix: 'Stop that process, or use another data directory.',
      cause,
    })
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return () => {
    rmSync(pidFile, { force: true })
    db.close()
  }
}

/** Whoever holds the lock wrote it; it is read only to name them. */
function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return '(unknown)'
  }
}
