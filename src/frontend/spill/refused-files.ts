import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../clock.ts'
import { jsonCodec } from '../../envelope/codecs/json.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import { syncFolder } from '../sync-folder.ts'
import { fileBytes } from './file-bytes.ts'
import type { Taken } from './spill-log.ts'
import { bytesText } from './spill-text.ts'

const EXTENSION = '.ndjson'
const NEWLINE = Buffer.from('\n')

/**
 * Data that were accepted and that the stream refuses for good: a folder of NDJSON files, an envelope a line, as `millrace import` takes them. A file is
 * there whole and on disk, or not at all. Nothing reads or removes them again: they are for a person, who deletes the folder at the end.
 */
export class RefusedFiles {
  readonly path: string
  readonly #maxBytes: number
  readonly #clock: Clock
  #count = 0

  constructor(directory: string, maxBytes: number, clock: Clock) {
    this.path = join(directory, 'refused')
    this.#maxBytes = maxBytes
    this.#clock = clock
  }

  /** How many files there are, as last looked; none as soon as the folder has been deleted. */
  get count(): number {
    if (this.#count > 0 && !existsSync(this.path)) this.#count = 0
    return this.#count
  }

  /** Looks at what is there. @returns the files' bytes. */
  async look(): Promise<number> {
    if (!existsSync(this.path)) return 0
    const names = (await readdir(this.path)).filter(name => name.endsWith(EXTENSION))
    this.#count = names.length
    // Somebody may be deleting them.
    return fileBytes(this.path, names)
  }

  /** Resolves with the file's path once it is on disk. @throws DISK_FULL beyond the limit; what the disk throws. */
  async keep({ place, batches }: Taken): Promise<string> {
    const lines: Uint8Array[] = []
    for (const { topic, frames, ascii } of batches) {
      const cursor = new FrameCursor(frames, ascii)
      while (cursor.next()) lines.push(jsonCodec.encode(cursor.envelope(topic)), NEWLINE)
    }
    const text = Buffer.concat(lines)
    const taken = await this.look()
    if (taken + text.length > this.#maxBytes) {
      throw new MillraceError('DISK_FULL', `The files in ${this.path} take ${bytesText(taken)} of ${bytesText(this.#maxBytes)}.`, {
        fix: 'Import them into the stream, and delete that folder.',
      })
    }
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    // The log's name of a topic has its partition count. The offsets of another outage begin at 0 again.
    const name = `${place.logTopic.replace('/', '-of-')}-${place.partition}-${this.#clock.now()}-${place.drained}`
    const file = join(this.path, name + EXTENSION)
    await this.#write(file, `${file}.tmp`, text)
    this.#count++
    return file
  }

  async #write(file: string, temporary: string, text: Uint8Array): Promise<void> {
    try {
      const handle = await open(temporary, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
      // Without this a power cut could take the file away again, after the log has let go of its data.
      await syncFolder(this.path)
      await syncFolder(join(this.path, '..'))
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}
