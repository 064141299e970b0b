import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { pipeline } from '../../../src/pipeline.ts'
import { type PostgresOptions, postgres } from '../../../src/storage/adapters/postgres/index.ts'
import { runStorageAgent } from '../../../src/storage/roller.ts'
import { storageAgent } from '../../../src/storage/storage.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { servers } from '../../servers/shared.ts'
import { eventually, machine, numbers } from '../running.ts'
import { type Scratch, scratch, scratchAt } from './scratch.ts'

/** An engine in memory, and a storage agent on it that stores in the test's schema. */
async function storing(database: Scratch) {
  const on = await machine()
  const held: Error[] = []
  const run = (roll: PostgresOptions['roll'] = { age: 0 }) => {
    const store = storageAgent('store', { version: 1, from: numbers, to: postgres(database.address, { schema: database.schema, roll }) })
    const context = { engine: on.engine, clock: systemClock, recorder: silentRecorder }
    const running = runStorageAgent(store, pipeline('p', { agents: [store] }), context, { held: error => void (error && held.push(error)) })
    onTestFinished(() => running.crash())
    return running
  }
  return { ...on, held, run, place: async () => (await on.standing('store@1'))?.checkpoint }
}

it('stores every datum once, wherever its process died', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          arrive: fc.integer({ min: 1, max: 80 }),
          records: fc.integer({ min: 1, max: 40 }),
          dieMs: fc.integer({ min: 0, max: 60 }),
        }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      async lives => {
        const database = scratchAt(servers().postgres)
        try {
          const { send, run, place } = await storing(database)
          const sent: string[] = []
          for (const { arrive, records, dieMs } of lives) {
            sent.push(...(await send(arrive)))
            const running = run({ records, age: 0 })
            await systemClock.sleep(dieMs)
            await running.crash()
          }
          const last = run()
          await eventually(async () => expect(await place()).toMatchObject({ offset: sent.length, done: sent.length }))
          await last.stop(1_000)
          const rows = await database.sql('SELECT data_id::text AS id FROM numbers')
          expect(rows.map(({ id }) => id).sort()).toEqual(sent.sort())
        } finally {
          await database.remove()
        }
      },
    ),
    { numRuns: 15 },
  ))

it('holds its data in the stream while the server is down, and stores them when it is back', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.kill())
  const database = scratch(server.address)
  const { send, run, place, held } = await storing(database)
  const running = run()
  await send(50)
  await eventually(async () => expect((await place())?.done).toBe(50))
  await server.kill()
  await send(50)
  await eventually(() => expect(held).toHaveLength(1))
  expect(held[0]).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await server.restart()
  await eventually(async () => expect(await place()).toMatchObject({ done: 100, dead: 0 }))
  expect(await database.sql('SELECT count(*)::int AS n, count(DISTINCT n)::int AS numbers FROM numbers')).toEqual([
    { n: 100, numbers: 100 },
  ])
  await running.stop(1_000)
})

it('gives what a table refuses to the dead letters, with the reason', async () => {
  const database = scratch(servers().postgres)
  const { engine, send, run, place } = await storing(database)
  const running = run()
  await send(1)
  await eventually(async () => expect((await place())?.done).toBe(1))
  await database.sql('ALTER TABLE numbers ADD CONSTRAINT small CHECK (n < 5)')
  await send(9)
  await eventually(async () => expect(await place()).toMatchObject({ offset: 10, done: 5, dead: 5 }))
  const letters = await engine.letters.list({ agent: 'store', limit: 10 })
  expect(letters.map(({ offset, error }) => [offset, error.code])).toEqual([9, 8, 7, 6, 5].map(offset => [offset, 'RECORD_UNSTORABLE']))
  expect(letters[0]?.error.message).toContain('violates check constraint "small"')
  await running.stop(1_000)
})
