import { expect, test } from 'vitest'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, readAll, spec, texts } from '../../../src/testing/suite-data.ts'
import { cacheWrite, doneAt, move, unit } from '../../../src/testing/unit-of-work.ts'

async function world() {
  const engine = await openInMemory()
  await engine.ensure([spec('demand'), spec('prediction')])
  await engine.append([batch('demand', 0, texts('d', 10))])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  const { checkpoint } = lease.partitions[0]!
  return { engine, member, lease, checkpoint }
}

test('one refused unit does not spoil the others of its group commit', async () => {
  const { engine, member, lease, checkpoint } = await world()
  const elsewhere = { ...move(checkpoint, 9), from: 5 }
  const outcomes = await Promise.allSettled([
    engine.append([batch('demand', 0, ['beside'])]),
    engine.commit(unit(lease, { outputs: [batch('prediction', 0, ['good'])], marks: [doneAt(0, 2)], checkpoints: [move(checkpoint, 2)] })),
    engine.commit(unit(lease, { outputs: [batch('prediction', 0, ['bad'])], cache: [cacheWrite('k', 1, 9)], checkpoints: [elsewhere] })),
  ])
  expect(outcomes.map(o => o.status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(await readAll(engine, 'prediction', 0)).toEqual(['good'])
  expect(await engine.cache('average')).toBeUndefined()
  expect((await member.lease(1)).partitions[0]?.checkpoint.offset).toBe(2)
  await member.close()
  await engine.close()
})

test('a unit with damaged frames is refused whole and keeps its lease', async () => {
  const { engine, member, lease, checkpoint } = await world()
  const damaged = { ...batch('prediction', 0, ['p']), count: 2 }
  await refused('a unit with damaged frames', 'FRAME_CORRUPT', () =>
    engine.commit(unit(lease, { outputs: [batch('prediction', 0, ['whole']), damaged], checkpoints: [move(checkpoint, 1)] })),
  )
  expect(lease.signal.aborted).toBe(false)
  expect(await engine.bounds('prediction')).toEqual([{ first: 0, next: 0 }])
  await engine.commit(unit(lease, { checkpoints: [move(checkpoint, 1)] }))
  await member.close()
  await engine.close()
})

test('a unit that names a topic there is not is its own error: the engine and the lease go on', async () => {
  const { engine, member, lease, checkpoint } = await world()
  const nowhere = { ...doneAt(0, 1), topic: 'nowhere' }
  await refused('a mark in an unknown topic', 'TOPIC_UNKNOWN', () =>
    engine.commit(unit(lease, { marks: [nowhere], checkpoints: [move(checkpoint, 1)] })),
  )
  await engine.commit(unit(lease, { checkpoints: [move(checkpoint, 1)] }))
  await member.close()
  await engine.close()
})

test('units of one lease may be on their way together, each from where the one before ends', async () => {
  const { engine, member, lease, checkpoint } = await world()
  let at = checkpoint
  const commits: Promise<void>[] = []
  for (let to = 1; to <= 10; to++) {
    const next = move(at, to)
    commits.push(engine.commit(unit(lease, { outputs: [batch('prediction', 0, [`p${to}`])], checkpoints: [next] })))
    at = next.checkpoint
  }
  await Promise.all(commits)
  expect(await engine.bounds('prediction')).toEqual([{ first: 0, next: 10 }])
  expect((await engine.standings()).find(s => s.topic === 'demand')?.checkpoint).toMatchObject({ offset: 10, done: 10 })
  await member.close()
  await engine.close()
})
