/** Fills a data directory with readings, as the front end would frame them: `fill.ts DIRECTORY COUNT KEYS`. */

import { openEmbedded } from '../src/engine/embedded/index.ts'
import { mintInto } from '../src/envelope/data-id.ts'
import { FrameWriter } from '../src/envelope/frame.ts'
import { partitionOfKey } from '../src/stream/partition.ts'
import { serve } from './child.ts'
import { readingJson } from './data.ts'
import { readings } from './pipelines/ingest.ts'

const BATCH = 4000
const [directory, count, keys] = process.argv.slice(2) as [string, string, string]
const engine = await openEmbedded({ directory })
await engine.ensure([readings.spec])
const source = Buffer.from('bench')
const id = Buffer.alloc(16)
const none = new Uint8Array(0)
const writers = Array.from({ length: readings.spec.partitions }, () => new FrameWriter())
for (let i = 0; i < Number(count); ) {
  for (const end = Math.min(i + BATCH, Number(count)); i < end; i++) {
    const data = readingJson(i, Number(keys))
    // readingJson names its station first: the key without a parse.
    const key = data.slice(12, 25)
    mintInto(id, 0, Date.now())
    writers[partitionOfKey(key, writers.length)]!.add({
      id,
      idAt: 0,
      supplied: false,
      source,
      createdMs: Date.now(),
      contentType: 'application/json',
      type: '',
      key,
      parents: none,
      data,
    })
  }
  await engine.append(
    writers.map((writer, partition) => ({ topic: readings.name, partition, ...writer.take() })).filter(batch => batch.count > 0),
  )
}
await engine.close()
serve({}, {}, async () => {})
