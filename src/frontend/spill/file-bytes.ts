import { stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of files in a folder. One that goes away meanwhile counts nothing. */
export async function fileBytes(folder: string, names: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(folder, name)).then(
        file => file.size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
