import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { EmbeddedClient } from '../../../src/engine/embedded/client.ts'
import { localLinks } from '../../../src/engine/embedded/link.ts'
import type { FromWriter, ToWriter } from '../../../src/engine/embedded/messages.ts'
import { Reader } from '../../../src/engine/embedded/reader.ts'
import { openForReading, openForWriting } from '../../../src/engine/embedded/schema.ts'
import { Writer } from '../../../src/engine/embedded/writer.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, readAll, spec } from '../../../src/testing/suite-data.ts'
import { move, unit } from '../../../src/testing/unit-of-work.ts'
import { dataDirectories } from './data-directory.ts'

const { directory } = dataDirectories()
/** SQLITE_IOERR_FSYNC */
const FSYNC_FAILED = 1034

/** An engine whose disk can be made to fail. */
function onFailingDisk() {
  const disk = { failCommit: 'never' as 'never' | 'before' | 'after', openable: true, failed: undefined as Error | undefined }
  const file = join(directory(), 'millrace.db')
  const open = () => {
    if (!disk.openable) throw Object.assign(new Error('disk I/O error'), { errcode: 10 })
    const db = openForWriting(file, {})
    const exec = DatabaseSync.prototype.exec.bind(db)
    db.exec = sql => {
      if (sql !== 'COMMIT' || disk.failCommit === 'never') return exec(sql)
      // Whether what it wrote survives is exactly what is not known.
      if (disk.failCommit === 'after') exec(sql)
      disk.failCommit = 'never'
      throw Object.assign(new Error('disk I/O error'), { errcode: FSYNC_FAILED })
    }
    return db
  }
  const writer = new Writer({
    open,
    clock: systemClock,
    idRetentionMs: 1_000_000,
    traceRetentionMs: 1_000_000,
    onFailed: error => {
      disk.failed = error
    },
  })
  const connect = () => {
    const [ours, its] = localLinks<ToWriter, FromWriter>()
    writer.attach(its)
    const db = openForReading(file)
    return new EmbeddedClient(ours, new Reader(db), async () => db.close())
  }
  return { disk, writer, connect }
}

test.each(['before', 'after'] as const)(
  'after a commit that failed %s its fsync the outcome is unknown, and what is there is read again',
  async when => {
    const { disk, writer, connect } = onFailingDisk()
    const engine = connect()
    await engine.ensure([spec('demand')])
    await engine.append([batch('demand', 0, ['acknowledged'])])
    disk.failCommit = when
    await refused('an append whose fsync fails', 'APPEND_UNKNOWN', () => engine.append([batch('demand', 0, ['unknown'])]))
    const there = when === 'after' ? ['acknowledged', 'unknown'] : ['acknowledged']
    expect(await readAll(engine, 'demand', 0)).toEqual(there)
    expect((await engine.append([batch('demand', 0, ['next'])]))[0]?.first).toBe(there.length)
    expect(await readAll(engine, 'demand', 0)).toEqual([...there, 'next'])
    await engine.close()
    writer.close()
  },
)

test('every lease ends, and the next one says where the group really stands', async () => {
  const { disk, writer, connect } = onFailingDisk()
  const engine = connect()
  await engine.ensure([spec('demand'), spec('prediction')])
  await engine.append([batch('demand', 0, ['one', 'two'])])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const bystander = new GroupMember(connect(), { name: 'other@1', edition: 1 }, ['demand'])
  const lease = await member.lease(1)
  const theirs = await bystander.lease(1)
  disk.failCommit = 'after'
  const work = unit(lease, { outputs: [batch('prediction', 0, ['p'])], checkpoints: [move(lease.partitions[0]!.checkpoint, 2)] })
  await refused('a unit whose fsync fails', 'APPEND_UNKNOWN', () => engine.commit(work))
  expect(lease.signal.aborted).toBe(true)
  await eventually('the other group’s lease has ended too', () => theirs.signal.aborted || undefined)
  expect((await member.lease(1)).partitions[0]?.checkpoint.offset).toBe(2)
  expect((await bystander.lease(1)).partitions[0]?.checkpoint.offset).toBe(0)
  await member.close()
  await engine.close()
  writer.close()
})

test('when the file cannot be opened again, everything is ENGINE_FAILED from then on', async () => {
  const { disk, writer, connect } = onFailingDisk()
  const engine = connect()
  await engine.ensure([spec('demand')])
  disk.failCommit = 'before'
  disk.openable = false
  await refused('the append', 'ENGINE_FAILED', () => engine.append([batch('demand', 0, ['one'])]))
  await refused('the next', 'ENGINE_FAILED', () => engine.append([batch('demand', 0, ['two'])]))
  expect(disk.failed?.message).toContain('could not be opened again')
  await engine.close()
  writer.close()
})
