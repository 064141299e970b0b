import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Of a data directory. */
export interface DiskReading {
  /** Its files, not those of its subdirectories. */
  readonly usedBytes: number
  /** For this user, as the file system counts it. */
  readonly freeBytes: number
  /** All of the disk. */
  readonly sizeBytes: number
}

export async function readDisk(directory: string): Promise<DiskReading> {
  const [usedBytes, { bavail, blocks, bsize }] = await Promise.all([sizeOf(directory), statfs(directory)])
  return { usedBytes, freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

/** A file that is deleted meanwhile counts nothing. */
async function sizeOf(directory: string): Promise<number> {
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
