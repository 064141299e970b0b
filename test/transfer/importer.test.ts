import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEmbedded } from '../../src/engine/embedded/index.ts'
import { mint } from '../../src/envelope/data-id.ts'
import { DEFAULT_LIMITS } from '../../src/frontend/limits.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import type { Found } from '../../src/transfer/found.ts'
import { Importer } from '../../src/transfer/importer.ts'
import pipeline from './pipeline.ts'
import { everything, fill } from './project.ts'
import { folder } from './scene.ts'

function envelope(dataId: string, n: number, at: number): Found {
  const data = Buffer.from(JSON.stringify({ station: `s${n % 7}`, n }))
  return { at, envelope: { dataId, source: 'another', createdMs: 1, type: 'readings', data } }
}

it('refuses a file in which anything is the log’s own, wherever in it that stands, and stores nothing of it twice', {
  timeout: 60_000,
}, async () => {
  const data = join(folder(), 'data')
  await fill(data, 0, 200)
  const engine = await openEmbedded({ directory: data })
  try {
    await engine.ensure(topicSpecs(pipeline))
    const before = await everything(engine, 'readings')
    const own = before.find(({ supplied }) => !supplied)!
    const n = JSON.parse(Buffer.from((own.envelope as { data: string }).data, 'base64').toString()).n // everything() made it
    // More than is stored at once comes before it.
    const found = Array.from({ length: 6_000 }, (_, i) => envelope(mint(Date.now()), i, i + 1))
    found.push(envelope(own.id, n, 6_001))

    const options = { engine, pipeline, limits: DEFAULT_LIMITS, derived: false, rejected: () => undefined }
    const importer = new Importer(options)
    const importing = importer.take('mixed.ndjson', found).then(() => importer.flush())
    await expect(importing).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(`mixed.ndjson:6001 is ${own.id}`) })
    const ids = (await everything(engine, 'readings')).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(importer.stored).toBe(5_000)
    expect(ids).toHaveLength(before.length + 5_000)

    // What it has stored itself is no reason to refuse the rest.
    const again = new Importer(options)
    await again.take('mixed.ndjson', found.slice(0, 6_000))
    await again.flush()
    expect(again).toMatchObject({ stored: 1_000, duplicate: 5_000 })
  } finally {
    await engine.close()
  }
})
