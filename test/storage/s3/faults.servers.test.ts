import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { batchesOf, idsOf, never, rollOf, stream } from '../batches.ts'
import { type TestBucket, testBucket } from './buckets.ts'
import { storedIds } from './download.ts'
import { type Fate, S3Proxy } from './proxy.ts'

const COUNT = 300
const SHORT = { requestMs: 300, attempts: 2 }

async function behindProxy(): Promise<{ bucket: TestBucket; proxy: S3Proxy }> {
  return { bucket: await testBucket(), proxy: await S3Proxy.start() }
}

describe('an S3 store that fails during a roll', () => {
  const faults: [string, Fate][] = [
    ['answers 500', { status: 500, code: 'InternalError' }],
    ['answers 503 to slow us down', { status: 503, code: 'SlowDown' }],
    ['answers 429', { status: 429 }],
    ['says that the bytes were damaged on their way', { status: 400, code: 'BadDigest' }],
    ['says that our clock is wrong', { status: 403, code: 'RequestTimeTooSkewed' }],
    ['does not answer', 'silence'],
    ['breaks connections', 'broken'],
    ['takes everything and says nothing of it', { status: 200 }],
  ]
  it.each(faults)('holds the roll with STORE_UNAVAILABLE where it %s, and has it once when it is back', async (_, fate) => {
    const { bucket, proxy } = await behindProxy()
    const writer = await bucket.store({ endpoint: proxy.endpoint, key: true }, SHORT).open(systemClock)
    // The second object and all that follows.
    let puts = 0
    proxy.fate = ({ method, url }) => (method === 'PUT' && !url!.includes('_begun') && ++puts > 1 ? fate : 'through')
    await expect(writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT)), never())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    })
    expect(await bucket.keys('_manifests/')).toEqual([])
    proxy.fate = () => 'through'
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(batchesOf(COUNT)), never())
    await writer.close()
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
  })

  it('goes on by itself where a request fails once', async () => {
    const { bucket, proxy } = await behindProxy()
    const writer = await bucket.store({ endpoint: proxy.endpoint }).open(systemClock)
    const failed = new Set<string>()
    proxy.fate = ({ method, url }) => {
      const request = `${method} ${url}`
      if (failed.has(request)) return 'through'
      failed.add(request)
      return failed.size % 2 === 0 ? 'broken' : { status: 503, code: 'SlowDown' }
    }
    await writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT)), never())
    await writer.close()
    expect(failed.size).toBe(3)
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
  })

  it('ends the roll with STORE_DENIED where writing is no longer allowed', async () => {
    const { bucket, proxy } = await behindProxy()
    const writer = await bucket.store({ endpoint: proxy.endpoint }).open(systemClock)
    proxy.fate = ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : 'through')
    await expect(writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT)), never())).rejects.toMatchObject({
      code: 'STORE_DENIED',
      fix: expect.stringContaining('s3:PutObject'),
    })
    await writer.close()
  })

  it('ends at once with the reason of the signal, even while the server is silent', async () => {
    const { bucket, proxy } = await behindProxy()
    const writer = await bucket.store({ endpoint: proxy.endpoint }).open(systemClock)
    const abort = new AbortController()
    proxy.fate = ({ method, url }) => {
      if (method !== 'PUT' || url!.includes('_begun')) return 'through'
      setImmediate(() => abort.abort(new Error('The lease has ended.')))
      return 'silence'
    }
    await expect(writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT)), abort.signal)).rejects.toThrow('The lease has ended.')
    await writer.close()
  })
})
