import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { pipeline } from '../../../src/pipeline.ts'
import { runStorageAgent } from '../../../src/storage/roller.ts'
import { storageAgent } from '../../../src/storage/storage.ts'
import { send } from '../../../src/testing/send.ts'
import { numbers } from '../running.ts'
import { testBucket } from './buckets.ts'
import { download, storedIds } from './download.ts'
import { S3Proxy } from './proxy.ts'

it('a storage agent holds its data while the bucket is away, and has each once when it is back', async () => {
  const [bucket, proxy] = [await testBucket(), await S3Proxy.start()]
  const engine = await openInMemory({ clock: systemClock })
  onTestFinished(() => engine.close())
  await engine.ensure([numbers.spec])
  const store = bucket.store({ endpoint: proxy.endpoint, roll: { records: 100, age: '1h' } }, { attempts: 1 })
  const lake = storageAgent('lake', { version: 1, from: numbers, to: store })
  const held: Error[] = []
  const context = { engine, clock: systemClock, recorder: silentRecorder }
  const running = runStorageAgent(lake, pipeline('p', { agents: [lake] }), context, {
    held: error => {
      if (error !== undefined) held.push(error)
    },
  })
  onTestFinished(() => running.crash())
  const standing = async () => (await engine.standings()).find(row => row.group === 'lake@1' && row.topic === 'numbers')
  const data = (first: number) => Array.from({ length: 100 }, (_, i) => ({ n: first + i }))

  const receipts = await send(engine, numbers, data(0), Date.now())
  await vi.waitFor(async () => expect((await standing())?.checkpoint.done).toBe(100), { timeout: 20_000 })
  proxy.fate = () => ({ status: 503, code: 'SlowDown' })
  receipts.push(...(await send(engine, numbers, data(100), Date.now())))
  await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 20_000 })
  expect(held[0]).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('SlowDown') })
  expect((await standing())?.checkpoint).toMatchObject({ done: 100, intent: { first: 100, end: 200 } })
  proxy.fate = () => 'through'
  await vi.waitFor(async () => expect((await standing())?.checkpoint).toMatchObject({ done: 200, dead: 0, lost: 0 }), { timeout: 20_000 })

  expect(await storedIds(bucket)).toEqual(receipts.map(({ dataId }) => dataId).sort())
  await using copy = await download(bucket)
  expect(copy.manifests.map(each => [each.first_offset, each.end_offset, each.records])).toEqual([
    [0, 100, 100],
    [100, 200, 100],
  ])
})
