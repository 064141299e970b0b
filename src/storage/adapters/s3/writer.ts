import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { failpoint } from '../../../engine/failpoint.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { Format } from '../../formats/format.ts'
import { inLanes } from '../../formats/lanes.ts'
import type { Layout } from '../../formats/layout.ts'
import { Sorter } from '../../formats/sorter.ts'
import type { Roll, RollingWriter, Written } from '../../storage.ts'
import { Begun, type Planned } from './begun.ts'
import type { S3Bucket } from './bucket.ts'
import { manifestOf, manifestPath, type RollObject } from './manifest.ts'
import { failed, Spool } from './spool.ts'

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ndjson: 'application/x-ndjson',
  // Not as a content encoding: readers would be given other bytes than the file's.
  'ndjson.zst': 'application/zstd',
  'ndjson.gz': 'application/gzip',
  parquet: 'application/vnd.apache.parquet',
}

/**
 * Writes rolls as objects: spooled on the local disk first; then what is to be written is noted in the bucket; then the objects; then,
 * last, the manifest. The same roll gives the same keys and the same bytes, so attempts that overlap overwrite each other with
 * themselves.
 */
export class S3Writer implements RollingWriter {
  readonly #bucket: S3Bucket
  readonly #spoolRoot: string
  readonly #layout: Layout
  readonly #format: Format

  constructor(bucket: S3Bucket, spoolRoot: string, layout: Layout, format: Format) {
    this.#bucket = bucket
    this.#spoolRoot = spoolRoot
    this.#layout = layout
    this.#format = format
  }

  async write(roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written> {
    const begun = new Begun(this.#bucket, roll)
    const before = roll.resumed ? await begun.read(signal) : []
    await this.#abortUploads(before, signal)
    const spool = await Spool.open(this.#spoolRoot, this.#bucket.place, roll)
    try {
      const sorter = new Sorter(roll, this.#layout, { aside: spool, format: this.#format })
      for await (const batch of batches) {
        signal.throwIfAborted()
        sorter.add(batch)
      }
      const { files, written } = sorter.finish()
      const { prefix } = this.#bucket.place
      const objects = files.map(staged => ({ key: prefix + staged.path, staged, sha256: spool.sha256(staged.temporary) }))
      // A range that retention has emptied has nothing to write, unless an attempt before had.
      if (objects.length > 0 || before.length > 0) await this.#publish(roll, objects, begun, before, spool, signal)
      return written
    } finally {
      await spool.discard()
    }
  }

  async close(): Promise<void> {
    this.#bucket.close()
  }

  async #publish(
    roll: Roll,
    objects: readonly RollObject[],
    begun: Begun,
    before: readonly Planned[],
    spool: Spool,
    signal: AbortSignal,
  ): Promise<void> {
    const planned = objects.map(object => ({ key: object.key, parts: this.#inParts(object) }))
    const kept = new Set(objects.map(({ key }) => key))
    const leftovers = before.filter(({ key }) => !kept.has(key))
    await begun.write([...planned, ...leftovers], signal)
    const upload = async (object: RollObject) => {
      await this.#upload(object, signal)
      await spool.remove(object.staged.temporary)
      failpoint('in-roll')
    }
    const small = objects.filter(object => !this.#inParts(object))
    await inLanes(small, this.#bucket.limits.atOnce, upload)
    // Of a large one its parts go at once: so many objects at once would take so many times the memory.
    for (const object of objects) if (this.#inParts(object)) await upload(object)
    await this.#putManifest(roll, objects, signal)
    // Settings changed since an earlier attempt: its objects hold the same data once more.
    await inLanes(leftovers, this.#bucket.limits.atOnce, ({ key }) => this.#bucket.remove(key, signal))
  }

  async #upload(object: RollObject, signal: AbortSignal): Promise<void> {
    const { key, staged, sha256 } = object
    const put = { key, contentType: CONTENT_TYPES[this.#format.extension] ?? 'application/octet-stream', data: true }
    if (this.#inParts(object)) return this.#bucket.upload(put, staged.temporary, staged.bytes, signal)
    const bytes = await readFile(staged.temporary).catch((error: unknown) => {
      throw failed(error, this.#spoolRoot)
    })
    await this.#bucket.put(put, bytes, sha256.toString('base64'), signal)
  }

  async #putManifest(roll: Roll, objects: readonly RollObject[], signal: AbortSignal): Promise<void> {
    const bytes = Buffer.from(manifestOf(roll, objects))
    const put = { key: this.#bucket.place.prefix + manifestPath(roll), contentType: 'application/json', data: false }
    await this.#bucket.put(put, bytes, hash('sha256', bytes, 'base64'), signal)
  }

  /** Parts of uploads that a killed process began are stored, paid for and seen by nobody. */
  async #abortUploads(before: readonly Planned[], signal: AbortSignal): Promise<void> {
    for (const { key, parts } of before) if (parts) await this.#bucket.abortUploads(key, signal)
  }

  #inParts({ staged }: RollObject): boolean {
    return staged.bytes > this.#bucket.limits.partBytes
  }
}
