import type { RecordBatch } from '../../../stream/stream.ts'
import type { Format } from '../../formats/format.ts'
import type { Layout } from '../../formats/layout.ts'
import { Sorter } from '../../formats/sorter.ts'
import type { Roll, RollingWriter, Written } from '../../storage.ts'
import { type Disk, unavailable } from './disk.ts'
import { Attempt } from './staging.ts'

/** Writes rolls as files: everything aside first, then into place. */
export class FilesWriter implements RollingWriter {
  readonly #disk: Disk
  readonly #root: string
  readonly #layout: Layout
  readonly #format: Format

  constructor(disk: Disk, root: string, layout: Layout, format: Format) {
    this.#disk = disk
    this.#root = root
    this.#layout = layout
    this.#format = format
  }

  async write(roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written> {
    let attempt: Attempt | undefined
    try {
      attempt = await Attempt.open(this.#disk, this.#root, roll)
      const sorter = new Sorter(roll, this.#layout, { aside: attempt, format: this.#format })
      for await (const batch of batches) {
        signal.throwIfAborted()
        sorter.add(batch)
      }
      const { files, written } = sorter.finish()
      await attempt.publish(files, signal)
      return written
    } catch (error) {
      // What cannot be removed now, the next attempt removes; the first error is the one to report.
      await attempt?.discard().catch(() => undefined)
      throw unavailable(error, this.#root)
    }
  }

  async close(): Promise<void> {}
}
