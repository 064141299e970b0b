/** SQLITE_FULL: the disk, or the size allowed, is used up. SQLite has rolled back, or can. */
const SQLITE_FULL = 13

/** SQLITE_CORRUPT and SQLITE_NOTADB: the file itself is damaged, and nothing that it says can be relied on. */
const DAMAGED = [11, 26]

/** SQLite's extended result code, where the error is SQLite's. */
export function errcodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

export function isDiskFull(error: unknown): boolean {
  const code = errcodeOf(error)
  return code !== undefined && (code & 0xff) === SQLITE_FULL
}

export function isDamaged(error: unknown): boolean {
  const code = errcodeOf(error)
  return code !== undefined && DAMAGED.includes(code & 0xff)
}
