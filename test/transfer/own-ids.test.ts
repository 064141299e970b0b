import fc from 'fast-check'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { formatId, ID_BYTES, mintInto, suppliedId } from '../../src/envelope/data-id.ts'
import { FrameWriter } from '../../src/envelope/frame.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { OwnIds } from '../../src/transfer/own-ids.ts'

const DAY_MS = 86_400_000
const place = { topic: 'readings', partition: 0 }

function minted(nowMs: number): Buffer {
  const id = Buffer.alloc(ID_BYTES)
  mintInto(id, 0, nowMs)
  return id
}

function framed(ids: readonly Uint8Array[], supplied: boolean) {
  const writer = new FrameWriter()
  for (const id of ids) {
    const [source, parents] = [Buffer.from('meter'), new Uint8Array(0)]
    writer.add({ id, idAt: 0, supplied, source, createdMs: 0, contentType: 'application/json', type: '', key: '', parents, data: '1' })
  }
  return writer.take()
}

/** A log to which data are appended at times of the test's own. It counts what is read of it. */
async function log() {
  let nowMs = 0
  const stream = new MemoryBroker({ ...systemClock, now: () => nowMs }).connect()
  await stream.ensure([{ name: place.topic, partitions: 1, retentionMs: Number.POSITIVE_INFINITY }])
  const seen = { reads: 0 }
  return {
    seen,
    async append(atMs: number, ids: readonly Uint8Array[], supplied = false) {
      nowMs = atMs
      await stream.append([{ ...place, ...framed(ids, supplied) }])
    },
    ownIds: () =>
      new OwnIds({
        bounds: topic => stream.bounds(topic),
        read: (...args) => {
          seen.reads++
          return stream.read(...args)
        },
      }),
  }
}

it('finds what the log has minted among any others, wherever it lies, and nothing else', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 3 * DAY_MS }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(times, fc.nat(), fc.integer({ min: -50_000, max: 110_000 }), fc.boolean(), async (at, pick, late, supplied) => {
      const held = await log()
      const own: Buffer[] = []
      for (const timeMs of at.toSorted((a, b) => a - b)) {
        const id = minted(Math.max(0, timeMs - late))
        await held.append(timeMs, [minted(timeMs), id], supplied)
        own.push(id)
      }
      const wanted = own[pick % own.length]!
      const others = Array.from({ length: 30 }, (_, i) => minted((i * 3 * DAY_MS) / 30))
      const hashed = Array.from({ length: 30 }, (_, i) => suppliedId('meter', `a${i}`))
      const ownIds = held.ownIds()
      expect(await ownIds.among(framed([...others, ...hashed], true).frames, place)).toBeUndefined()
      const found = await ownIds.among(framed([...others, ...hashed, wanted], true).frames, place)
      // What producers gave ids for is remembered by its id, and told as a duplicate.
      expect(found?.dataId).toBe(supplied ? undefined : formatId(wanted, 0))
    }),
    { numRuns: 60 },
  )
})

it('reads next to nothing of a log that holds nothing of the time of what is imported, nor what came in since', async () => {
  const held = await log()
  for (let i = 0; i < 200; i++) await held.append(100 * DAY_MS + i * 1_000, [minted(100 * DAY_MS + i * 1_000)])
  const archive = Array.from({ length: 500 }, (_, i) => minted(i * 60_000))
  const ownIds = held.ownIds()
  expect(await ownIds.among(framed(archive, true).frames, place)).toBeUndefined()
  expect(held.seen.reads).toBe(2)
  // As the import itself does, or whoever sends meanwhile.
  const late = minted(100 * DAY_MS + 300_000)
  await held.append(100 * DAY_MS + 300_000, [late])
  expect(await ownIds.among(framed([late], true).frames, place)).toBeUndefined()
})

it('reads of a long log what was appended around the time of what is imported', async () => {
  const held = await log()
  const ids = Array.from({ length: 2_000 }, (_, i) => minted(i * 60_000))
  for (const [i, id] of ids.entries()) await held.append(i * 60_000, [id])
  expect(await held.ownIds().among(framed([ids[1_500]!], true).frames, place)).toMatchObject({ offset: 1_500 })
  expect(held.seen.reads).toBeLessThan(30)
})
