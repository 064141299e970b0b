import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import type { EmbeddedEngine } from '../../../src/engine/embedded/index.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { batch, readAll, spec, texts } from '../../../src/testing/suite-data.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()

function startCopier(engine: EmbeddedEngine, at: string): Worker {
  const port = engine.connect()
  return new Worker(new URL('./copying-thread.ts', import.meta.url), { workerData: { directory: at, port }, transferList: [port] })
}

test('a worker thread reads, appends and commits over its own port', async () => {
  const at = directory()
  const engine = await open({ directory: at })
  await engine.ensure([spec('in', 2), spec('out', 2)])
  await engine.append([batch('in', 0, texts('a', 50)), batch('in', 1, texts('b', 50))])
  const worker = startCopier(engine, at)
  await eventually('everything is copied', async () => (await engine.bounds('out')).every(b => b.next === 50) || undefined)
  await engine.append([batch('in', 1, ['later'])])
  await eventually('what came later is copied', async () => (await engine.bounds('out'))[1]?.next === 51 || undefined)
  expect(await readAll(engine, 'out', 1)).toEqual([...texts('b', 50), 'later'])
  worker.postMessage('stop')
  await once(worker, 'exit')
})

test('a thread that dies gives its partitions back, and what it had committed stays', async () => {
  const at = directory()
  const engine = await open({ directory: at })
  await engine.ensure([spec('in', 2), spec('out', 2)])
  await engine.append([batch('in', 0, texts('a', 50)), batch('in', 1, texts('b', 50))])
  const worker = startCopier(engine, at)
  await eventually('some is copied', async () => (await engine.bounds('out')).some(b => b.next > 0) || undefined)
  await worker.terminate()
  const member = new GroupMember(engine, { name: 'copy@1', edition: 1 }, ['in'])
  const lease = await member.lease(2)
  const out = await engine.bounds('out')
  expect(lease.partitions.map(p => p.checkpoint.offset)).toEqual(out.map(b => b.next))
  await member.close()
})
