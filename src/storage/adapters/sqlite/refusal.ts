import { statSync } from 'node:fs'
import { type ErrorCode, MillraceError } from '../../../errors.ts'

type Code = Extract<ErrorCode, 'STORE_UNAVAILABLE' | 'STORE_DENIED'>

const RIGHTS = 'Let this process write to the file and in its folder.'

/** What SQLite's primary result codes mean to a store (https://www.sqlite.org/rescode.html). Any other may pass by itself. */
const CODES: Readonly<Record<number, readonly [Code, string]>> = {
  // ERROR, SCHEMA: the table was changed while rolls went in; the next attempt says what is wrong with it.
  1: ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  17: ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  // PERM, READONLY
  3: ['STORE_UNAVAILABLE', RIGHTS],
  8: ['STORE_UNAVAILABLE', RIGHTS],
  // BUSY, LOCKED
  5: ['STORE_UNAVAILABLE', 'If this goes on, find the program that keeps a transaction open on it.'],
  6: ['STORE_UNAVAILABLE', 'If this goes on, find the program that keeps a transaction open on it.'],
  // FULL
  13: ['STORE_UNAVAILABLE', 'Make room on the disk.'],
  // CANTOPEN
  14: ['STORE_UNAVAILABLE', `Make its folder, where that is missing. ${RIGHTS}`],
  // CORRUPT, NOTADB
  11: ['STORE_DENIED', 'Restore it from a copy, or move it away: a new one is made.'],
  26: ['STORE_DENIED', 'Name another file, or move this one away: a new one is made.'],
}

/** TOOBIG, CONSTRAINT, MISMATCH: what they refuse is one row, and others beside it may be good. */
const ROW_CODES = [18, 19, 20]

/** SQLite's primary result code, where the error is SQLite's. */
function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

/** Whether a row is refused for what is in it: by a constraint or a trigger of the table's owner, or for its size. */
export function isAboutRow(error: unknown): error is Error {
  const code = codeOf(error)
  return code !== undefined && ROW_CODES.includes(code)
}

/** An error of SQLite or of the file system, as this package says it; anything else as it is. */
export function refusal(error: unknown, path: string): unknown {
  const code = codeOf(error)
  if (code === undefined && !(error instanceof Error && 'syscall' in error)) return error
  // Both have seen that it is an Error.
  const { message } = error as Error
  if (isFolder(path)) return new MillraceError('CONFIG_INVALID', `${path} is a folder.`, { fix: 'Name a file in it.', cause: error })
  const [meaning, fix] = CODES[code ?? 14] ?? ['STORE_UNAVAILABLE' as const, undefined]
  return new MillraceError(meaning, `SQLite says of ${path}: ${message}.`, { cause: error, ...(fix === undefined ? {} : { fix }) })
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Whatever keeps us from looking has kept SQLite from opening it, and that is what is told.
    return false
  }
}
