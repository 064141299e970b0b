import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

export interface DiskReading {
  readonly usedBytes: number
  /** For this user, as the file system counts it. */
  readonly freeBytes: number
}

/** Bytes of the files in a directory, not of its subdirectories. A file that is deleted meanwhile counts nothing. */
export async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter(entry => entry.isFile())
      .map(entry =>
        stat(join(directory, entry.name)).then(
          file => file.size,
          () => 0,
        ),
      ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

export async function freeBytesAt(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}
