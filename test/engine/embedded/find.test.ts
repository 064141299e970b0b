import { expect, test } from 'vitest'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { type DataId, Deriver, formatId, mint, parseId } from '../../../src/envelope/data-id.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'
import { doneAt, letterOf, move, unit } from '../../../src/testing/unit-of-work.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const DAY_MS = 86_400_000
const V4 = '6f2d1c9e-8a4b-4c3d-9e5f-0a1b2c3d4e5f'
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

async function world() {
  const clock = new VirtualClock({ startMs: Date.now(), settle: turn })
  const engine = await openInMemory({ clock, traceRetentionMs: 7 * DAY_MS })
  await engine.ensure([spec('demand'), spec('prediction'), spec('alert')])
  return { clock, engine }
}

/** Has an agent handle the whole of a topic: its output for the first datum carries the id derived from it. */
async function handle(engine: Engine, agent: string, from: string, to: string, cause: DataId): Promise<DataId> {
  const derived = Buffer.alloc(16)
  new Deriver(agent, 1, to).into(derived, 0, parseId(cause), 0, 0)
  const id = formatId(derived, 0)
  const member = new GroupMember(engine, { name: `${agent}@1`, edition: 1 }, [from])
  const lease = await member.lease(1)
  const place = { topic: from, partition: 0 }
  const { checkpoint } = lease.partitions[0]!
  const [{ next } = { next: 0 }] = await engine.bounds(from)
  await engine.commit(
    unit(lease, {
      agent: { name: agent, version: 1 },
      outputs: [batch(to, 0, [{ text: 'derived', id, parents: [cause] }])],
      marks: [doneAt(0, next, place)],
      checkpoints: [move(checkpoint, next, 0, place)],
    }),
  )
  await member.close()
  return id
}

test('a minted id is found by the time inside it', async () => {
  const { clock, engine } = await world()
  const id = mint(clock.now())
  await engine.append([batch('demand', 0, ['before', { text: 'wanted', id }])])
  expect(await engine.find(id)).toMatchObject({ dataId: id, source: 'suite', positions: [{ topic: 'demand', offset: 1 }] })
  await engine.close()
})

test('an id whose time is a minute apart from when it came is found, too', async () => {
  const { clock, engine } = await world()
  const id = mint(clock.now() - 50_000)
  await engine.append([batch('demand', 0, [{ text: 'late', id }])])
  expect((await engine.find(id))?.positions).toHaveLength(1)
  await engine.close()
})

test('a supplied id is found whatever time it seems to carry', async () => {
  const { engine } = await world()
  await engine.append([batch('demand', 0, [{ text: 'reading', id: V4, supplied: true }])])
  expect((await engine.find(V4))?.positions).toMatchObject([{ topic: 'demand', partition: 0, offset: 0 }])
  await engine.close()
})

test('what was derived hours later is found from its root, generation by generation', async () => {
  const { clock, engine } = await world()
  const root = mint(clock.now())
  await engine.append([batch('demand', 0, [{ text: 'root', id: root }])])
  await clock.advance('5h')
  const prediction = await handle(engine, 'forecast', 'demand', 'prediction', root)
  await clock.advance('5h')
  const alert = await handle(engine, 'watch', 'prediction', 'alert', prediction)
  expect(await engine.find(prediction)).toMatchObject({ parents: [root], positions: [{ topic: 'prediction', offset: 0 }] })
  expect(await engine.find(alert)).toMatchObject({ parents: [prediction], positions: [{ topic: 'alert', offset: 0 }] })
  await engine.close()
})

test('what was derived from a supplied id without a time is found from it', async () => {
  const { engine } = await world()
  await engine.append([batch('demand', 0, [{ text: 'reading', id: V4, supplied: true }])])
  const prediction = await handle(engine, 'forecast', 'demand', 'prediction', V4)
  expect((await engine.find(prediction))?.positions).toMatchObject([{ topic: 'prediction', offset: 0 }])
  await engine.close()
})

test('a datum that retention has passed is still told by its dead letter', async () => {
  const { clock, engine } = await world()
  const id = mint(clock.now())
  await engine.append([batch('demand', 0, [{ text: 'poison', id }])])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  const letters = [letterOf(await engine.read('demand', 0, 0, 1), 0, 'it always fails')]
  await engine.commit(unit(lease, { letters, checkpoints: [move(lease.partitions[0]!.checkpoint, 1, 1)] }))
  await clock.advance(8 * DAY_MS)
  expect(await engine.bounds('demand')).toEqual([{ first: 1, next: 1 }])
  expect(await engine.find(id)).toMatchObject({ dataId: id, source: 'suite', positions: [] })
  await member.close()
  await engine.close()
})

test('an id that was never seen is undefined', async () => {
  const { clock, engine } = await world()
  await engine.append([batch('demand', 0, ['another'])])
  expect(await engine.find(mint(clock.now()))).toBeUndefined()
  expect(await engine.find(V4)).toBeUndefined()
  await engine.close()
})
