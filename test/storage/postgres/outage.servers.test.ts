import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { bytes } from '../../../src/envelope/schema.ts'
import { type PostgresConnection, postgres } from '../../../src/storage/adapters/postgres/index.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'
import { topic } from '../../../src/stream/topic.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { servers } from '../../servers/shared.ts'
import { batchesOf, never, readings, rollOf } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const SECRET = 's3cret-word'

async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ settings })
  onTestFinished(() => server.kill())
  return server
}

function open(connection: PostgresConnection) {
  return () => postgres(connection).open(systemClock)
}

/** The shared server's address with some of it changed. */
function altered(change: (url: URL) => void): string {
  const url = new URL(servers().postgres)
  change(url)
  return url.href
}

it('says what is wrong with an address, a password, a database or a role, and never the password', async () => {
  const { sql } = scratch(servers().postgres)
  await sql(`CREATE ROLE weak_${process.pid} LOGIN PASSWORD '${SECRET}'`)
  onTestFinished(async () => void (await scratchSql(`DROP ROLE weak_${process.pid}`)))
  const wrong: [string, 'STORE_UNAVAILABLE' | 'STORE_DENIED', RegExp][] = [
    [
      altered(url => Object.assign(url, { port: '1', password: SECRET })),
      'STORE_UNAVAILABLE',
      /at 127.0.0.1:1\/postgres cannot be reached: connect ECONNREFUSED.*Start the server/,
    ],
    [
      altered(url => Object.assign(url, { hostname: 'nowhere.invalid', password: SECRET })),
      'STORE_UNAVAILABLE',
      /nowhere.invalid.*Check the host/,
    ],
    [
      altered(url => Object.assign(url, { password: SECRET })),
      'STORE_DENIED',
      /password authentication failed.*\(28P01\).*Check the user and the password/,
    ],
    [altered(url => Object.assign(url, { password: '' })), 'STORE_DENIED', /asks for a password/],
    [
      altered(url => Object.assign(url, { pathname: '/nothere' })),
      'STORE_DENIED',
      /database "nothere" does not exist.*Create the database/,
    ],
    [altered(url => url.searchParams.set('sslmode', 'verify-full')), 'STORE_DENIED', /does not speak TLS/],
  ]
  for (const [address, code, message] of wrong) {
    const error = await refused(`opening ${address}`, code, open(address))
    expect(error.message).toMatch(message)
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(SECRET)
  }
  const weak = altered(url => Object.assign(url, { username: `weak_${process.pid}`, password: SECRET }))
  const writer = await postgres(weak, { schema: 'not_mine' }).open(systemClock)
  onTestFinished(() => writer.close())
  const error = await refused('making a schema without the right', 'STORE_DENIED', () => writeAll(writer, readings, batchesOf(1)))
  expect(error.message).toMatch(/permission denied.*Let an administrator run: CREATE SCHEMA .*; ?CREATE TABLE .*GRANT/)
})

async function scratchSql(text: string): Promise<void> {
  await scratch(servers().postgres).sql(text)
}

it('says which right is missing on a table', async () => {
  const database = scratch(servers().postgres)
  await writeAll(await writerIn(database), readings, batchesOf(1))
  const role = `reader_${database.schema}`
  await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD '${SECRET}'; GRANT USAGE ON SCHEMA ${database.schema} TO ${role}`)
  onTestFinished(() => scratchSql(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
  await database.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA ${database.schema} TO ${role}`)
  const writer = await writerIn({ ...database, address: altered(url => Object.assign(url, { username: role, password: SECRET })) })
  const error = await refused('a roll without the right to insert', 'STORE_DENIED', () => writeAll(writer, readings, batchesOf(1)))
  expect(error.message).toMatch(/may not insert .*GRANT SELECT, INSERT ON/)
})

it('gives up on what accepts connections and never answers', async () => {
  const mute = createServer(socket => socket.on('error', () => undefined))
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void mute.close())
  const address = mute.address()
  if (address === null || typeof address === 'string') throw new Error('The mute server has no port.')
  await refused('a mute server', 'STORE_UNAVAILABLE', open(`postgres://ana:${SECRET}@127.0.0.1:${address.port}/grid`))
})

it('takes its connection from the environment, at the time it is opened', async () => {
  const { schema, sql } = scratch(servers().postgres)
  const store = postgres(undefined, { schema })
  const url = new URL(servers().postgres)
  const set = { PGHOST: url.hostname, PGPORT: url.port, PGUSER: url.username, PGPASSWORD: url.password, PGDATABASE: url.pathname.slice(1) }
  const before = { ...process.env }
  Object.assign(process.env, set)
  onTestFinished(() => {
    for (const name of Object.keys(set)) if (before[name] === undefined) delete process.env[name]
    Object.assign(process.env, before)
  })
  const writer = await store.open(systemClock)
  onTestFinished(() => writer.close())
  await writeAll(writer, readings, batchesOf(3))
  expect(await sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 3 }])
})

it('waits for a server that has no connection left', async () => {
  const server = await ownServer({ max_connections: '4', superuser_reserved_connections: '0' })
  const database = scratch(server.address)
  const writers = await Promise.all([1, 2, 3].map(() => writerIn(database)))
  await Promise.all(writers.map(writer => writeAll(writer, readings, batchesOf(1)).catch(() => undefined)))
  const held = writers.map(writer => heldOpen(writer))
  await Promise.all(held.map(each => each.begun))
  const extra = await Promise.allSettled([1, 2, 3].map(() => postgres(server.address).open(systemClock)))
  for (const each of extra) if (each.status === 'fulfilled') await each.value.close()
  const failure = extra.find(each => each.status === 'rejected')
  expect(failure?.reason).toMatchObject({ code: 'STORE_UNAVAILABLE', fix: expect.stringContaining('max_connections') })
  for (const each of held) await each.end()
})

/** A roll that has a connection for as long as the test wants. */
function heldOpen(writer: Awaited<ReturnType<typeof writerIn>>) {
  const begun = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const slow = (async function* (): AsyncGenerator<RecordBatch> {
    begun.resolve()
    await go.promise
    yield* batchesOf(1)
  })()
  const written = writer.write(rollOf(0, 1), slow, never())
  return {
    begun: begun.promise,
    end: async () => {
      go.resolve()
      await written
    },
  }
}

it('holds a roll once when the server is killed in the middle of a COPY', async () => {
  const server = await ownServer()
  const database = scratch(server.address)
  const frames = topic('frames', bytes())
  const writer = await writerIn(database)
  const before = batchesOf(5, () => ({ raw: 'before', contentType: 'image/jpeg' }), 0, 'frames')
  await writeAll(writer, frames, before)
  const large = batchesOf(4, () => ({ raw: Buffer.alloc(25_000_000, 7), contentType: 'image/jpeg' }), 5, 'frames')
  const killed = eventually('a COPY is under way', async () => {
    const copies = await database.sql('SELECT bytes_processed FROM pg_stat_progress_copy WHERE bytes_processed > 0')
    return copies.length > 0 ? true : undefined
  }).then(() => server.kill())
  const error = await refused('a roll whose server dies', 'STORE_UNAVAILABLE', () => writeAll(writer, frames, large))
  expect(error.retryable).toBe(true)
  await killed
  await refused('a roll while the server is down', 'STORE_UNAVAILABLE', () => writeAll(writer, frames, large))
  await server.restart()
  const written = await writeAll(writer, frames, large, { resumed: true })
  expect(written.unstorable).toEqual([])
  expect(await database.sql('SELECT count(*)::int AS n, sum(length(data)) AS bytes FROM frames')).toEqual([
    { n: 9, bytes: String(100_000_030) },
  ])
})

it('holds a roll once when its COPY is cancelled on a server that goes on', async () => {
  const database = scratch(servers().postgres)
  const frames = topic('frames', bytes())
  const writer = await writerIn({ ...database, address: `${database.address}?application_name=${database.schema}` })
  const large = batchesOf(2, () => ({ raw: Buffer.alloc(40_000_000, 7), contentType: 'image/jpeg' }), 0, 'frames')
  const cancelled = eventually('a COPY is under way and cancelled', async () => {
    const copies = await database.sql(
      `SELECT pg_cancel_backend(pid) AS done FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid)
       WHERE application_name = $1 AND bytes_processed BETWEEN 1 AND 20000000`,
      [database.schema],
    )
    return copies.length > 0 ? true : undefined
  })
  await refused('a roll whose COPY is cancelled', 'STORE_UNAVAILABLE', () => writeAll(writer, frames, large))
  await cancelled
  await writeAll(writer, frames, large, { resumed: true })
  expect(await database.sql('SELECT count(*)::int AS n FROM frames')).toEqual([{ n: 2 }])
})

it('keeps what it has said to be written when the server is killed right after it', async () => {
  // The server's own default would answer a commit before it is on disk.
  const server = await ownServer({ synchronous_commit: 'off', wal_writer_delay: '10s' })
  const database = scratch(server.address)
  const writer = await writerIn(database)
  for (let roll = 0; roll < 5; roll++) await writeAll(writer, readings, batchesOf(10, undefined, roll * 10))
  await server.kill()
  await server.restart()
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 50 }])
})

it('gives up on a server that has stopped answering', async () => {
  const database = scratch(servers().postgres)
  // Time that passes when the test says so.
  const fired: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    after(_, fire) {
      fired.push(fire)
      return () => void fired.splice(fired.indexOf(fire), 1)
    },
  }
  // A name of its own for the session, among those of other tests.
  const writer = await writerIn({ ...database, address: `${database.address}?application_name=${database.schema}` }, {}, clock)
  await writeAll(writer, readings, batchesOf(1))
  const [session] = await database.sql('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [database.schema])
  const pid = Number(session?.pid)
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  const roll = writeAll(writer, readings, batchesOf(10))
  roll.catch(() => undefined)
  await eventually('the roll waits for an answer', () => (fired.length > 0 ? true : undefined))
  fired[0]?.()
  const error = await refused('a roll on a server that is silent', 'STORE_UNAVAILABLE', () => roll)
  expect(error.message).toMatch(/has not answered for 65 s/)
})

it('lets go at once when its lease ends, whatever it waits for', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  await writeAll(writer, readings, batchesOf(1))
  const locked = scratch(servers().postgres)
  const unlock = await lock(locked, `${database.schema}.readings`)
  const lease = new AbortController()
  const roll = writeAll(writer, readings, batchesOf(10), {}, lease.signal)
  roll.catch(() => undefined)
  await eventually('the roll waits for the lock', async () => {
    const waiting = await database.sql(`SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '${database.schema}.readings'::regclass`)
    return waiting.length > 0 ? true : undefined
  })
  lease.abort(new Error('the lease is over'))
  await expect(roll).rejects.toThrow('the lease is over')
  await unlock()
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 1 }])
  await writeAll(writer, readings, batchesOf(10))
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 10 }])
})

it('holds rolls when someone keeps the table locked, and goes on when it is free', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database, { statementTimeout: '1s' })
  await writeAll(writer, readings, batchesOf(1))
  const unlock = await lock(database, 'readings')
  const error = await refused('a roll into a locked table', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(10)))
  expect(error.message).toMatch(/57014.*raise statementTimeout/)
  await unlock()
  await writeAll(writer, readings, batchesOf(10))
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 10 }])
})

/** Locks a table in a transaction of its own. @returns what ends it. */
async function lock({ hold }: ReturnType<typeof scratch>, table: string): Promise<() => Promise<void>> {
  return hold(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
}

it('holds a roll once when two write it at the same time, with different beginnings', async () => {
  const database = scratch(servers().postgres)
  const notes = topic('notes', z.object({ note: z.string() }))
  const batches = batchesOf(4_000, i => ({ data: { note: `${i} ${'x'.repeat(600)}` } }), 0, 'notes')
  const writers = await Promise.all([1, 2, 3].map(() => writerIn(database)))
  const outcomes = await Promise.allSettled(writers.map(writer => writeAll(writer, notes, batches)))
  const written = outcomes.filter(each => each.status === 'fulfilled').map(each => each.value)
  expect(written.length).toBeGreaterThan(0)
  for (const each of written) expect(each).toEqual(written[0])
  for (const each of outcomes) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(await database.sql('SELECT count(*)::int AS n, count(DISTINCT note)::int AS notes FROM notes')).toEqual([
    { n: 4_000, notes: 4_000 },
  ])
})
