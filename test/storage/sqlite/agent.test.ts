import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { pipeline } from '../../../src/pipeline.ts'
import { type SqliteOptions, sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import { runStorageAgent } from '../../../src/storage/roller.ts'
import { storageAgent } from '../../../src/storage/storage.ts'
import { eventually, machine, numbers } from '../running.ts'
import { scratch, scratchFile } from './scratch.ts'

/** An engine in memory, and a storage agent on it that stores in the file. */
async function storing(file: string) {
  const on = await machine()
  const held: Error[] = []
  const run = (roll: SqliteOptions['roll'] = { age: 0 }) => {
    const store = storageAgent('store', { version: 1, from: numbers, to: sqlite(file, { roll }) })
    const context = { engine: on.engine, clock: systemClock, recorder: silentRecorder }
    const running = runStorageAgent(store, pipeline('p', { agents: [store] }), context, { held: error => void (error && held.push(error)) })
    onTestFinished(() => running.crash())
    return running
  }
  return { ...on, held, run, place: async () => (await on.standing('store@1'))?.checkpoint }
}

it('stores every datum once, wherever it is cut off', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          arrive: fc.integer({ min: 1, max: 80 }),
          records: fc.integer({ min: 1, max: 40 }),
          cutMs: fc.integer({ min: 0, max: 30 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async lives => {
        const made = scratchFile()
        try {
          const { send, run, place } = await storing(made.file)
          const sent: string[] = []
          for (const { arrive, records, cutMs } of lives) {
            sent.push(...(await send(arrive)))
            const running = run({ records, age: 0 })
            await systemClock.sleep(cutMs)
            await running.crash()
          }
          const last = run()
          await eventually(async () => expect(await place()).toMatchObject({ offset: sent.length, done: sent.length }))
          await last.stop(1_000)
          expect(
            made
              .sql('SELECT data_id AS id FROM numbers')
              .map(({ id }) => id)
              .sort(),
          ).toEqual(sent.sort())
        } finally {
          made.remove()
        }
      },
    ),
    { numRuns: 15 },
  ))

it('holds its data in the stream while the file cannot be written, and stores them when it can', async () => {
  const { folder } = scratch()
  const { send, run, place, held } = await storing(join(folder, 'mount', 'rows.db'))
  const running = run()
  await send(50)
  await eventually(() => expect(held).toHaveLength(1))
  expect(held[0]).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  mkdirSync(join(folder, 'mount'))
  await eventually(async () => expect(await place()).toMatchObject({ done: 50, dead: 0 }))
  await running.stop(1_000)
})

it('gives what a table refuses to the dead letters, with the reason', async () => {
  const made = scratch()
  const { engine, send, run, place } = await storing(made.file)
  const running = run()
  await send(1)
  await eventually(async () => expect((await place())?.done).toBe(1))
  made.hold("CREATE TRIGGER small BEFORE INSERT ON numbers WHEN NEW.n >= 5 BEGIN SELECT RAISE(ABORT, 'too large'); END").close()
  await send(9)
  await eventually(async () => expect(await place()).toMatchObject({ offset: 10, done: 5, dead: 5 }))
  const letters = await engine.letters.list({ agent: 'store', limit: 10 })
  expect(letters.map(({ offset, error }) => [offset, error.code])).toEqual([9, 8, 7, 6, 5].map(offset => [offset, 'RECORD_UNSTORABLE']))
  expect(letters[0]?.error.message).toBe('SQLite refuses it: too large')
  await running.stop(1_000)
})
