import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unzstd } from '../../../src/storage/formats/zstd-frames.ts'

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const found: Buffer[] = []
  for await (const chunk of chunks) found.push(chunk)
  return Buffer.concat(found)
}

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const frame = fc.record({
  data: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 400_000 }).map(size => new Uint8Array(size).fill(7)),
  ),
  checksum: fc.boolean(),
  skipped: fc.option(fc.uint8Array({ maxLength: 20 })),
})

it('gives every frame of a file, wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(1_000_000)), { minLength: 1, maxLength: 5 }),
      async (frames, sizes) => {
        const bytes = frames.map(({ data, checksum, skipped }) => {
          const params = { [constants.ZSTD_c_checksumFlag]: checksum ? 1 : 0 }
          const skippable = Buffer.alloc(8)
          skippable.writeUInt32LE(0x184d2a53)
          skippable.writeUInt32LE(skipped?.length ?? 0, 4)
          return Buffer.concat([...(skipped === null ? [] : [skippable, skipped]), zstdCompressSync(data, { params })])
        })
        const expected = Buffer.concat(frames.map(({ data }) => data))
        expect((await all(unzstd(cut(Buffer.concat(bytes), sizes)))).equals(expected)).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

it('says so where the file is cut off, or is no such file', async () => {
  const whole = zstdCompressSync(Buffer.from('a'.repeat(10_000)))
  await expect(all(unzstd(cut(whole.subarray(0, -3), [1_000])))).rejects.toThrow('unexpected end of file')
  await expect(all(unzstd(cut(Buffer.from('{"data_id": 1}\n'), [1_000])))).rejects.toThrow()
})

it('hands on what its source fails with', async () => {
  const failing = async function* () {
    yield zstdCompressSync(Buffer.from('a'))
    throw new Error('the disk is gone')
  }
  await expect(all(unzstd(failing()))).rejects.toThrow('the disk is gone')
})
