import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { idsOf, never, rollOf, stream } from '../batches.ts'
import { temporaryFolder } from '../lake.ts'
import { testBucket } from './buckets.ts'
import { storedIds } from './download.ts'
import { largeBatches } from './large-roll.ts'
import { type Fate, S3Proxy } from './proxy.ts'
import type { ChildTask } from './roll-child.ts'

const PARTS = { partBytes: 5 * 1024 * 1024, atOnce: 2 }
/** 24 MB in one hour: five parts; 8 MB in the other: two. */
const COUNT = 8_000

function spooled(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String)
}

describe('a large object', () => {
  it('goes in parts, with no more of it in memory or spooled afterwards', async () => {
    const [bucket, proxy, staging] = [await testBucket(), await S3Proxy.start(), await temporaryFolder()]
    const writer = await bucket.store({ endpoint: proxy.endpoint, compression: 'none', staging }, PARTS).open(systemClock)
    await writer.write(rollOf(0, COUNT), stream(largeBatches(COUNT)), never())
    await writer.close()
    expect(proxy.seen.filter(request => request.includes('partNumber='))).toHaveLength(7)
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
    expect(await bucket.uploads()).toEqual([])
    expect(spooled(staging)).toEqual([])
  })

  it('leaves no parts where one of them fails, and nothing spooled', async () => {
    const [bucket, proxy, staging] = [await testBucket(), await S3Proxy.start(), await temporaryFolder()]
    const store = bucket.store({ endpoint: proxy.endpoint, compression: 'none', staging }, { ...PARTS, attempts: 1 })
    const writer = await store.open(systemClock)
    proxy.fate = ({ url }) => (url!.includes('partNumber=3') ? { status: 503, code: 'SlowDown' } : 'through')
    await expect(writer.write(rollOf(0, COUNT), stream(largeBatches(COUNT)), never())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await writer.close()
    expect(await bucket.uploads()).toEqual([])
    expect(await bucket.keys('_manifests/')).toEqual([])
    expect(spooled(staging)).toEqual([])
  })

  it('leaves no parts where the lease ends in the middle of it', async () => {
    const [bucket, proxy] = [await testBucket(), await S3Proxy.start()]
    const writer = await bucket.store({ endpoint: proxy.endpoint, compression: 'none' }, PARTS).open(systemClock)
    const abort = new AbortController()
    proxy.fate = ({ url }) => {
      if (!url!.includes('partNumber=3')) return 'through'
      setImmediate(() => abort.abort(new Error('The lease has ended.')))
      return 'silence'
    }
    await expect(writer.write(rollOf(0, COUNT), stream(largeBatches(COUNT)), abort.signal)).rejects.toThrow('The lease has ended.')
    await writer.close()
    expect(await bucket.uploads()).toEqual([])
  })
})

describe('one that has lost its lease', () => {
  it('cannot end an upload that the new owner has aborted, and harms nothing', async () => {
    const [bucket, proxy] = [await testBucket(), await S3Proxy.start()]
    const [first, second] = [await temporaryFolder(), await temporaryFolder()]
    const zombie = await bucket.store({ endpoint: proxy.endpoint, compression: 'none', staging: first }, PARTS).open(systemClock)
    const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    proxy.fate = async ({ url }): Promise<Fate> => {
      if (!url!.includes('partNumber=3')) return 'through'
      reached.resolve()
      await held.promise
      return 'through'
    }
    const late = zombie.write(rollOf(0, COUNT), stream(largeBatches(COUNT)), never()).catch((error: unknown) => error)
    await reached.promise
    const owner = await bucket.store({ compression: 'none', staging: second }, PARTS).open(systemClock)
    await owner.write(rollOf(0, COUNT, { resumed: true }), stream(largeBatches(COUNT)), never())
    held.resolve()
    // Aborted under its hands, an upload is refused, or the connection closed, in whatever step comes next.
    expect(await late).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    await zombie.close()
    await owner.close()
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
    expect(await bucket.uploads()).toEqual([])
  })
})

describe('a process that is killed in the middle of a roll', () => {
  it('leaves no gap, no copy and no parts once another has taken the roll up again', async () => {
    const [bucket, proxy, staging] = [await testBucket(), await S3Proxy.start(), await temporaryFolder()]
    const options = bucket.options({ endpoint: proxy.endpoint, compression: 'none', staging })
    proxy.fate = ({ url }) => (url!.includes('partNumber=3') ? 'silence' : 'through')
    const child = start({ options, limits: PARTS, count: COUNT })
    await vi.waitFor(() => expect(proxy.seen.some(request => request.includes('partNumber=3'))).toBe(true), { timeout: 30_000 })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await bucket.uploads()).toHaveLength(1)
    expect(await bucket.keys('_manifests/')).toEqual([])
    expect(spooled(staging)).not.toEqual([])

    const writer = await bucket.store({ compression: 'none', staging }, PARTS).open(systemClock)
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(largeBatches(COUNT)), never())
    await writer.close()
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
    expect(await bucket.uploads()).toEqual([])
    expect(spooled(staging)).toEqual([])
  })

  it.each([1, 2])('and whose roll is taken up under other settings leaves each datum once: after object %i', async passed => {
    const bucket = await testBucket()
    const options = bucket.options({ compression: 'none' })
    const child = start({ options, limits: PARTS, count: COUNT }, { MILLRACE_FAILPOINT: `in-roll:${passed}` })
    const [, signal] = await once(child, 'exit')
    expect(signal).toBe('SIGKILL')
    expect(await bucket.dataKeys()).toHaveLength(passed)

    const writer = await bucket.store({ compression: 'zstd', interval: '1d' }, PARTS).open(systemClock)
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(largeBatches(COUNT)), never())
    await writer.close()
    expect(await storedIds(bucket)).toEqual(idsOf(0, COUNT))
  })
})

function start(task: ChildTask, more: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'roll-child.ts')], {
    env: { ...process.env, ...more, MILLRACE_ROLL: JSON.stringify(task) },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
