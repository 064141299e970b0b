import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { pipeline } from '../../src/pipeline.ts'
import { nodeDisk } from '../../src/storage/adapters/files/disk.ts'
import { filesOn } from '../../src/storage/adapters/files/index.ts'
import { runStorageAgent } from '../../src/storage/roller.ts'
import { type RollingStore, storageAgent } from '../../src/storage/storage.ts'
import { DyingDisk } from './failing-disk.ts'
import { envelopesIn, temporaryFolder } from './lake.ts'
import { eventually, machine, numbers } from './running.ts'

/** One life of the process: what arrives in it, and after how many steps on its disk it dies. */
const life = fc.record({
  arrive: fc.integer({ min: 0, max: 120 }),
  dieAt: fc.integer({ min: 2, max: 150 }),
  records: fc.integer({ min: 1, max: 60 }),
})

describe('a lake', () => {
  it(
    'holds every datum of the stream once, wherever its process died and whatever it was told to roll by',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async lives => {
          const folder = await temporaryFolder()
          const { engine, send, standing } = await machine()
          const sent: string[] = []
          const run = (store: RollingStore) => {
            const lake = storageAgent('lake', { version: 1, from: numbers, to: store })
            const context = { engine, clock: systemClock, recorder: silentRecorder }
            return runStorageAgent(lake, pipeline('p', { agents: [lake] }), context, { held: () => undefined })
          }
          for (const { arrive, dieAt, records } of lives) {
            if (arrive > 0) sent.push(...(await send(arrive)))
            const disk = new DyingDisk(dieAt)
            const running = run(filesOn(disk, folder, { key: true, roll: { records } }))
            const idle = Math.floor(arrive / records) * records
            await Promise.race([
              running.ended.catch(() => undefined),
              eventually(async () => expect(((await standing())?.checkpoint.offset ?? -1) >= idle || disk.steps >= dieAt).toBe(true)),
            ])
            await running.crash()
          }
          const last = run(filesOn(nodeDisk, folder, { key: true, roll: { records: 1_000, age: 0 } }))
          await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: sent.length, done: sent.length }))
          await last.stop(1_000)
          expect(
            envelopesIn(folder)
              .map(each => each.data_id)
              .sort(),
          ).toEqual(sent.sort())
        }),
        { numRuns: 40 },
      ),
    120_000,
  )

  it('keeps what it holds when the data directory is made anew and offsets begin again', async () => {
    const folder = await temporaryFolder()
    const sent: string[] = []
    for (let life = 0; life < 2; life++) {
      const { engine, send, standing } = await machine()
      sent.push(...(await send(20)))
      const lake = storageAgent('lake', { version: 1, from: numbers, to: filesOn(nodeDisk, folder, { roll: { records: 20 } }) })
      const running = runStorageAgent(lake, pipeline('p', { agents: [lake] }), { engine, clock: systemClock, recorder: silentRecorder })
      await eventually(async () => expect((await standing())?.checkpoint).toMatchObject({ offset: 20, done: 20 }))
      await running.stop(1_000)
    }
    expect(
      envelopesIn(folder)
        .map(each => each.data_id)
        .sort(),
    ).toEqual(sent.sort())
  })
})
