import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type Disk, nodeDisk } from '../../../src/storage/adapters/files/disk.ts'
import { type FilesOptions, files, filesOn } from '../../../src/storage/adapters/files/index.ts'
import { batchesOf, idsOf, never, rollOf, stream } from '../batches.ts'
import { DyingDisk, FillingDisk } from '../failing-disk.ts'
import { bytesIn, envelopesIn, filesIn, temporaryFolder } from '../lake.ts'

/** For machines that fsync slowly. */
const PATIENCE_MS = 120_000
const COUNT = 240
const OPTIONS = { key: true } as const satisfies FilesOptions

describe('a crash in the middle of a roll of files', () => {
  const cases: [string, FilesOptions][] = [
    ['with the same settings', OPTIONS],
    ['with other settings: another layout, format and compression', { interval: '1d', compression: 'gzip' }],
  ]
  it.each(cases)(
    'leaves neither gap nor copy at whatever step it comes, when the roll is taken up again %s',
    async (_, before) => {
      const unbroken = await temporaryFolder()
      await write(files(unbroken, OPTIONS), false)
      const expected = bytesIn(unbroken)
      let crashes = 0
      for (let dieAt = 2; ; dieAt++) {
        const folder = await temporaryFolder()
        const disk = new DyingDisk(dieAt)
        const outcome = await write(filesOn(disk, folder, before), false).then(
          () => 'done',
          (error: Error) => error.message,
        )
        // Even a roll that was written whole is taken up again, where the crash came before its offset was committed.
        await write(files(folder, OPTIONS), true)
        expect(bytesIn(folder), `after a crash at step ${dieAt}`).toEqual(expected)
        if (outcome === 'done') break
        expect(outcome).toBe('power cut')
        crashes++
      }
      expect(crashes).toBeGreaterThan(15)
    },
    PATIENCE_MS,
  )

  it('leaves neither gap nor copy when the attempt to finish the roll crashes too', async () => {
    for (let dieAt = 2; dieAt < 60; dieAt += 3) {
      const folder = await temporaryFolder()
      await write(filesOn(new DyingDisk(dieAt), folder, OPTIONS), false).catch(() => undefined)
      await write(filesOn(new DyingDisk(60 - dieAt), folder, { interval: '1d' }), true).catch(() => undefined)
      await write(files(folder, OPTIONS), true)
      expect(ids(folder)).toEqual(idsOf(0, COUNT))
    }
  })

  it('is forgotten when the next roll begins: nothing hidden is left but that roll’s own list', async () => {
    const folder = await temporaryFolder()
    await write(filesOn(new DyingDisk(25), folder, OPTIONS), false).catch(() => undefined)
    await write(files(folder, OPTIONS), true)
    const writer = await files(folder, OPTIONS).open(systemClock)
    await writer.write(rollOf(COUNT, COUNT + 50), stream(batchesOf(50, undefined, COUNT)), never())
    const hidden = await nodeDisk.list(`${folder}/.millrace/01234567`)
    const partitions = await nodeDisk.list(`${folder}/.millrace/01234567/${hidden[0]}/0`)
    expect(partitions).toEqual([String(COUNT)])
    expect(ids(folder)).toEqual(idsOf(0, COUNT + 50))
  })
})

describe('two writers at one roll', () => {
  it(
    'leave it whole and once, in whatever order their steps fall',
    () =>
      fc.assert(
        fc.asyncProperty(fc.scheduler(), async scheduler => {
          const folder = await temporaryFolder()
          const disk = stepwise(scheduler)
          const zombie = write(filesOn(disk, folder, OPTIONS), false).catch((error: unknown) => error)
          const owner = (async () => {
            for (let attempt = 0; attempt < 5; attempt++) {
              try {
                return await write(filesOn(disk, folder, OPTIONS), true)
              } catch (error) {
                expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
              }
            }
            throw new Error('The owner never got through.')
          })()
          await scheduler.waitFor(Promise.all([zombie, owner]))
          expect(ids(folder)).toEqual(idsOf(0, COUNT))
        }),
        { numRuns: 60 },
      ),
    PATIENCE_MS,
  )

  it('leave no file without its beginning, where one that has lost its lease goes on in the middle of it', async () => {
    const folder = await temporaryFolder()
    const data = batchesOf(4_000, i => ({ data: { station: randomText(i), megawatts: i } }))
    const zombie = await files(folder).open(systemClock)
    const [reading, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = (async function* () {
      yield* data.slice(0, 40)
      reading.resolve()
      await held.promise
      yield* data.slice(40)
    })()
    const late = zombie.write(rollOf(0, 4_000), slow, never()).catch((error: unknown) => error)
    await reading.promise
    const owner = await files(folder).open(systemClock)
    await owner.write(rollOf(0, 4_000, { resumed: true }), stream(data), never())
    held.resolve()
    expect(await late).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('ENOENT') })
    expect(ids(folder)).toEqual(idsOf(0, 4_000))
  })
})

describe('a full disk', () => {
  it('holds the roll with STORE_UNAVAILABLE, leaves nothing behind, and the roll goes through when there is room', async () => {
    const folder = await temporaryFolder()
    const disk = new FillingDisk()
    const writer = await filesOn(disk, folder, OPTIONS).open(systemClock)
    disk.full = true
    await expect(writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT)), never())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('ENOSPC'),
    })
    expect(filesIn(folder)).toEqual([])
    disk.full = false
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(batchesOf(COUNT)), never())
    expect(ids(folder)).toEqual(idsOf(0, COUNT))
  })
})

async function write(store: ReturnType<typeof files>, resumed: boolean) {
  const writer = await store.open(systemClock)
  return writer.write(rollOf(0, COUNT, { resumed }), stream(batchesOf(COUNT)), never())
}

function ids(folder: string): string[] {
  return envelopesIn(folder)
    .map(envelope => envelope.data_id)
    .sort()
}

/** Text that does not compress away: a file of it is written in several pieces. */
function randomText(i: number): string {
  return Array.from({ length: 6 }, (_, at) => hash('sha256', `${i} ${at}`)).join('')
}

/** Every step waits until the scheduler lets it. */
function stepwise(scheduler: fc.Scheduler): Disk {
  const gate =
    <A extends unknown[], T>(step: (...args: A) => Promise<T>) =>
    async (...args: A) => {
      await scheduler.schedule(Promise.resolve())
      return step(...args)
    }
  return {
    makeFolder: gate(nodeDisk.makeFolder),
    append: nodeDisk.append,
    sync: gate(nodeDisk.sync),
    rename: gate(nodeDisk.rename),
    remove: gate(nodeDisk.remove),
    list: gate(nodeDisk.list),
    read: gate(nodeDisk.read),
  }
}
