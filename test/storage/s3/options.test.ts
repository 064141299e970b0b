import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type S3Options, s3 } from '../../../src/storage/adapters/s3/index.ts'
import { Spool, spoolRoot } from '../../../src/storage/adapters/s3/spool.ts'
import { rollOf } from '../batches.ts'
import { temporaryFolder } from '../lake.ts'

const PLACE = {
  bucket: 'lake',
  prefix: '',
  region: 'x',
  endpoint: undefined,
  forcePathStyle: false,
  credentials: undefined,
  name: 's3://lake/',
}

describe('s3()', () => {
  it('names itself for people, without what is secret', () => {
    const credentials = { accessKeyId: 'id', secretAccessKey: 'hidden' }
    expect(s3({ bucket: 'lake', credentials }).describe).toBe('s3 s3://lake/')
    expect(s3({ bucket: 'lake', prefix: 'raw', endpoint: 'http://minio:9000/' }).describe).toBe('s3 s3://lake/raw/ at http://minio:9000')
  })

  it('rolls by the same defaults as files', () => {
    expect(s3({ bucket: 'lake' }).roll).toEqual({ records: 500_000, bytes: 128_000_000, ageMs: 300_000 })
    expect(s3({ bucket: 'lake', roll: { records: 10, age: '1s' } }).roll).toMatchObject({ records: 10, ageMs: 1_000 })
  })

  // What a user without TypeScript may give.
  const wrong: [unknown, RegExp][] = [
    [undefined, /needs a bucket/],
    [{}, /needs a bucket/],
    [{ bucket: 's3://lake/raw' }, /without s3:\/\//],
    [{ bucket: 'lake', prefix: '/raw' }, /prefix is "\/raw"/],
    [{ bucket: 'lake', prefix: 'a//b' }, /names joined by '\/'/],
    [{ bucket: 'lake', prefix: 'a/../b' }, /names joined by '\/'/],
    [{ bucket: 'lake', prefix: 'x'.repeat(500) }, /501 bytes: it may have 400/],
    [{ bucket: 'lake', endpoint: 'minio:9000' }, /must be a URL/],
    [{ bucket: 'lake', compression: 'snappy' }, /Parquet's alone/],
    [{ bucket: 'lake', format: 'csv' }, /s3\('lake'\) format is "csv"/],
  ]
  it.each(wrong)('refuses %j', (options, message) => {
    expect(() => s3(options as S3Options)).toThrow(TypeError)
    expect(() => s3(options as S3Options)).toThrow(message)
  })

  it('refuses a password in the endpoint without repeating it', () => {
    const make = () => s3({ bucket: 'lake', endpoint: 'https://me:hidden@minio' })
    expect(make).toThrow(/holds a password/)
    expect(make).not.toThrow(/hidden/)
  })

  it('says what is missing where neither it nor the environment names a region', async () => {
    vi.stubEnv('AWS_REGION', undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    try {
      const store = s3({ bucket: 'lake', credentials: { accessKeyId: 'id', secretAccessKey: 'hidden' } })
      await expect(store.open(systemClock)).rejects.toMatchObject({ code: 'CONFIG_INVALID', fix: expect.stringContaining('AWS_REGION') })
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

describe('the folder where rolls are spooled', () => {
  it('is closed to other users', async () => {
    const staging = join(await temporaryFolder(), 'spool')
    const root = await spoolRoot(staging)
    const spool = await Spool.open(root, PLACE, rollOf(0, 1))
    const file = spool.begin(Buffer.from('data'))
    expect((await stat(root)).mode & 0o077).toBe(0)
    expect((await stat(file)).mode & 0o077).toBe(0)
  })

  it('is not used where it is the default one and open to others', async () => {
    const temporary = await temporaryFolder()
    vi.stubEnv('TMPDIR', temporary)
    try {
      const root = await spoolRoot(undefined)
      await chmod(root, 0o755)
      await expect(spoolRoot(undefined)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(root) })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('says what is wrong with it', async () => {
    const staging = join(await temporaryFolder(), 'file')
    await mkdir(staging)
    await expect(spoolRoot(join(import.meta.filename, 'under-a-file'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('ENOTDIR'),
    })
  })

  it('loses what an attempt before has left, and that attempt, should it still run, fails instead of going on in the middle', async () => {
    const root = await spoolRoot(await temporaryFolder())
    const before = await Spool.open(root, PLACE, rollOf(0, 1))
    const file = before.begin(Buffer.from('first half, '))
    const after = await Spool.open(root, PLACE, rollOf(0, 1))
    const another = await Spool.open(root, PLACE, rollOf(0, 1, { partition: 1 }))
    expect(() => before.append(file, Buffer.from('second half'))).toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }))
    const kept = another.begin(Buffer.from('of another partition'))
    await after.discard()
    await Spool.open(root, PLACE, rollOf(1, 2))
    expect((await readdir(root, { recursive: true, withFileTypes: true })).filter(each => each.isFile()).map(({ name }) => name)).toEqual([
      kept.slice(kept.lastIndexOf('/') + 1),
    ])
  })
})
