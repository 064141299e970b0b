import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type FormatOptions, formatPlan } from '../../formats/options.ts'
import { rowOf } from '../../formats/row-of.ts'
import type { RollingStore } from '../../storage.ts'
import { type Disk, nodeDisk, unusable } from './disk.ts'
import { FilesWriter } from './writer.ts'

export type { Compression } from '../../formats/compression.ts'
export type { Interval } from '../../formats/layout.ts'

export interface FilesOptions extends FormatOptions {}

/**
 * A store of rolled, compressed files in a folder, each in its place by topic, key and time:
 * `<directory>/<topic>/key=<key>/date=<day>/hour=<hour>/<partition>-<first offset>-<writer>.ndjson.zst`.
 * @throws TypeError where an option is wrong.
 */
export function files(directory: string, options: FilesOptions = {}): RollingStore {
  return filesOn(nodeDisk, directory, options)
}

/** {@link files} on another disk: the seam where tests make the disk fail. */
export function filesOn(disk: Disk, directory: string, options: FilesOptions = {}): RollingStore {
  if (typeof directory !== 'string' || directory === '') throw new TypeError("files(…) needs a folder, such as files('./lake').")
  const plan = formatPlan(`files('${directory}')`, options)
  const root = resolve(directory)
  return {
    kind: 'rolling',
    describe: `files ${directory}`,
    roll: plan.roll,
    async open() {
      await disk.makeFolder(root).catch((error: unknown) => {
        throw unusable(error, directory)
      })
      const { format, layout } = await plan.load()
      return new FilesWriter(disk, root, layout, format)
    },
    async whereIs(datum) {
      const { layout } = await plan.load()
      const folder = layout.folder(datum.topic, datum.key, layout.intervalOf(datum.createdMs))
      const name = layout.nameOf(datum, await namesIn(join(root, folder)))
      if (name === undefined) return undefined
      const where = `${directory}/${folder}/${name}`
      // One of several, which are named by what they have in common.
      return name.includes('*')
        ? { where }
        : { where, exact: async () => ({ where, row: await rowOf(join(root, folder, name), datum.dataId) }) }
    },
  }
}

/** None where there is no such folder: the files are another machine's, or were taken away. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw unusable(error, folder)
  }
}
