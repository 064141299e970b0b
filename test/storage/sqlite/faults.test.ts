import { execFileSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batchesOf, never, readings, rollOf } from '../batches.ts'
import { scratch, scratchFile } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const count = 'SELECT count(*) AS n FROM readings'

it('holds a roll while another program has the file locked, and writes it when that has ended', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(1))
  const other = made.hold('BEGIN IMMEDIATE; DELETE FROM readings')
  const error = await refused('a roll into a locked file', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(10)))
  expect(error.message).toMatch(/rows\.db: database is locked\. If this goes on, find the program/)
  other.exec('ROLLBACK')
  await writeAll(writer, readings, batchesOf(10))
  expect(made.sql(count)).toEqual([{ n: 10 }])
})

it('keeps nobody from the file while it waits for the stream', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  const batches = batchesOf(5_000)
  const counted: unknown[] = []
  const slow = (async function* (): AsyncGenerator<RecordBatch> {
    yield* batches.slice(0, 90)
    made.hold("BEGIN IMMEDIATE; CREATE TABLE others (a); INSERT INTO others VALUES ('theirs'); COMMIT").close()
    counted.push(made.sql(count)[0]?.n)
    yield* batches.slice(90)
  })()
  await writer.write(rollOf(0, 5_000), slow, never())
  expect(counted).toEqual([4_000])
  expect(made.sql(count)).toEqual([{ n: 5_000 }])
})

it('stores what is missing of a roll that was cut off between two chunks', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  const batches = batchesOf(5_000)
  const lease = new AbortController()
  const cut = (function* () {
    yield* batches.slice(0, 60)
    lease.abort(new Error('the lease is over'))
    yield* batches.slice(60)
  })()
  await expect(writer.write(rollOf(0, 5_000), given(cut), lease.signal)).rejects.toThrow('the lease is over')
  expect(made.sql(count)).toEqual([{ n: 2_000 }])
  expect(await writeAll(writer, readings, batches, { resumed: true })).toMatchObject({ files: 1, unstorable: [] })
  expect(made.sql(count)).toEqual([{ n: 5_000 }])
})

async function* given(batches: Iterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  yield* batches
}

it('waits for a folder that is not there, such as one of a disk that is not mounted', async () => {
  const { folder } = scratch()
  const file = join(folder, 'mount', 'rows.db')
  const store = sqlite(file)
  const error = await refused('a missing folder', 'STORE_UNAVAILABLE', () => store.open(systemClock, [readings]))
  expect(error.message).toMatch(/mount\/rows\.db: unable to open database file\. Make its folder/)
  mkdirSync(join(folder, 'mount'))
  await (await store.open(systemClock, [readings])).close()
})

it('says so where a folder is named, or a file that is no database', async () => {
  const { folder, file } = scratch()
  const error = await refused('a folder', 'CONFIG_INVALID', () => sqlite(folder).open(systemClock))
  expect(error.message).toMatch(/is a folder\. Name a file in it/)
  writeFileSync(file, 'a page of text, and more of it, '.repeat(100))
  const other = await refused('a text file', 'STORE_DENIED', () => sqlite(file).open(systemClock))
  expect(other.message).toMatch(/file is not a database\. Name another file/)
})

it('waits where it may not write, and goes on where it may again', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(1))
  await writer.close()
  // https://www.sqlite.org/fileformat.html, 1.3.3: with a write version above 2 SQLite only reads, whoever the user is.
  const writeVersion = (version: number) => overwrite(made.file, Uint8Array.of(version), 18)
  writeVersion(3)
  const error = await refused('a read-only file', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(10)))
  expect(error.message).toMatch(/readonly database\. Let this process write to the file and in its folder/)
  writeVersion(2)
  await writeAll(writer, readings, batchesOf(10))
  expect(made.sql(count)).toEqual([{ n: 10 }])
})

it('does not store in a file that is damaged', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(500))
  await writer.close()
  overwrite(made.file, Buffer.alloc(7 * 4_096, 0xa5), 4_096)
  const error = await refused('a damaged file', 'STORE_DENIED', () => writeAll(writer, readings, batchesOf(500, undefined, 500)))
  expect(error.message).toMatch(/malformed\. Restore it from a copy/)
})

function overwrite(path: string, bytes: Uint8Array, at: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

it('does not take for stored what went into a file that was removed, or put aside for another', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(5))
  const copy = join(made.folder, 'copy.db')
  made.sql('PRAGMA wal_checkpoint(TRUNCATE)')
  copyFileSync(made.file, copy)
  const removed = () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${made.file}${suffix}`, { force: true })
  }
  removed()
  const error = await refused('a roll into a removed file', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(10)))
  expect(error.message).toMatch(/was removed or put aside while it was in use/)
  await writeAll(writer, readings, batchesOf(10))
  expect(made.sql(count)).toEqual([{ n: 10 }])
  removed()
  copyFileSync(copy, made.file)
  await refused('a roll into a file put aside', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(20)))
  await writeAll(writer, readings, batchesOf(20))
  expect(made.sql(count)).toEqual([{ n: 20 }])
})

it('holds a roll once when several write it at the same time', async () => {
  const made = scratch()
  const writers = await Promise.all([1, 2, 3].map(() => writerIn(made)))
  const outcomes = await Promise.all(writers.map(writer => writeAll(writer, readings, batchesOf(4_000))))
  for (const each of outcomes) expect(each).toEqual(outcomes[0])
  expect(made.sql(count)).toEqual([{ n: 4_000 }])
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('a full disk is not tested: mounting one needs root')

it.runIf(isRoot)('waits while the disk is full, and stores each datum once when there is room', async () => {
  const made = scratchFile()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', made.folder])
  onTestFinished(() => {
    execFileSync('umount', ['-l', made.folder])
    made.remove()
  })
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(10))
  const ballast = join(made.folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(2_600_000))
  const error = await refused('a roll on a full disk', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(5_000)))
  expect(error.message).toMatch(/database or disk is full\. Make room on the disk/)
  rmSync(ballast)
  expect((await writeAll(writer, readings, batchesOf(5_000))).unstorable).toEqual([])
  expect(made.sql(count)).toEqual([{ n: 5_000 }])
})
