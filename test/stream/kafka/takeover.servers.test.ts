import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import type { Group, GroupedStream } from '../../../src/stream/stream.ts'
import { GroupMember, moved, placeOf } from '../../../src/testing/group-member.ts'
import { batch, spec, texts } from '../../../src/testing/suite-data.ts'
import { commitRaw, leaseOf, Streams } from './streams.ts'

const V1: Group = { name: 'forecast@1', edition: 1 }
const V2: Group = { name: 'forecast@2', edition: 2, replaces: 'forecast@1' }
const V3: Group = { name: 'forecast@3', edition: 3, replaces: 'forecast@2' }
const TOPICS = ['demand']
const DEMAND = { topic: 'demand', partition: 1 }

async function withDemand(streams: Streams): Promise<GroupedStream> {
  const stream = await streams.open()
  await stream.ensure([spec('demand', 2)])
  await stream.append([batch('demand', 0, texts('0.', 5)), batch('demand', 1, texts('1.', 5))])
  return stream
}

/** A group that has handled so many data of partition 0, and left. */
async function handled(stream: GroupedStream, group: Group, done: number): Promise<Group> {
  const { lease, close } = await leaseOf(stream, group, TOPICS, 2)
  await lease.commit([moved(placeOf(lease, 'demand', 0), done)])
  await close()
  return lease.group
}

describe('a group that takes over', () => {
  it('after another that took over has the whole line, the first one’s edition, and the places', async () => {
    await using streams = new Streams()
    const stream = await withDemand(streams)
    expect((await handled(stream, V1, 2)).line).toBeUndefined()
    expect(await handled(stream, V2, 1)).toMatchObject({ edition: 1, line: ['forecast@1'] })
    const { lease, close } = await leaseOf(stream, V3, TOPICS, 2)
    expect(lease.group).toMatchObject({ edition: 1, line: ['forecast@2', 'forecast@1'] })
    expect(placeOf(lease, 'demand', 0).checkpoint).toMatchObject({ offset: 3, done: 3, edition: 1 })
    const places = (await stream.places()).filter(place => place.partition === 0)
    const told = places.map(({ group, checkpoint, replacedBy }) => [group, checkpoint.offset, replacedBy]).sort()
    expect(told).toEqual([
      ['forecast@1', 2, 'forecast@2'],
      ['forecast@2', 3, 'forecast@3'],
      ['forecast@3', 3, undefined],
    ])
    await close()
  })

  it('goes on where one that died half way has left off: after its note, or after some of the places', async () => {
    await using streams = new Streams()
    const [stream, elsewhere] = [await withDemand(streams), await streams.open()]
    const old = await leaseOf(elsewhere, V1, TOPICS, 2)
    await old.lease.commit([moved(placeOf(old.lease, 'demand', 0), 2), moved(placeOf(old.lease, 'demand', 1), 3)])
    const event = JSON.stringify({ event: 'replaced', old: V1.name, by: V2.name, edition: 1 })
    await stream.append([batch('_control', 0, [event])])
    await commitRaw(streams, V2.name, 0, 4)
    const { lease, close } = await leaseOf(stream, V2, TOPICS, 2, 'latest')
    expect(placeOf(lease, 'demand', 0).checkpoint).toMatchObject({ offset: 4, done: 0, edition: 1 })
    expect(placeOf(lease, 'demand', 1).checkpoint).toMatchObject({ offset: 3, done: 3, edition: 1 })
    const commit = await old.lease
      .commit([moved({ ...DEMAND, checkpoint: placeOf(lease, 'demand', 1).checkpoint }, 1)])
      .catch((error: unknown) => error)
    expect(isMillraceError(commit, 'LEASE_LOST')).toBe(true)
    await Promise.all([close(), old.close()])
  })

  it('ends the old group in another process too, whose members get no lease when they come back', async () => {
    await using streams = new Streams()
    const [stream, elsewhere] = [await withDemand(streams), await streams.open()]
    const old = new GroupMember(elsewhere, V1, TOPICS)
    const ended = await old.lease(2)
    const { lease, close } = await leaseOf(stream, V2, TOPICS, 2)
    const commit = await ended.commit([moved(placeOf(ended, 'demand', 0), 1)]).catch((error: unknown) => error)
    expect(isMillraceError(commit, 'LEASE_LOST')).toBe(true)
    const late = new GroupMember(elsewhere, V1, TOPICS)
    // What a member that finds nothing in its way needs for its lease, three times over: nothing else tells of one that is sent away.
    for (const name of ['a@1', 'b@1', 'c@1']) await (await leaseOf(elsewhere, { name, edition: 1 }, TOPICS, 2)).close()
    await lease.commit([moved(placeOf(lease, 'demand', 0), 1)])
    await Promise.all([old.close(), late.close()])
    expect([old.taken, late.taken]).toEqual([1, 0])
    await close()
  })

  it('is refused where another has taken over already', async () => {
    await using streams = new Streams()
    const stream = await withDemand(streams)
    await handled(stream, V1, 2)
    await handled(stream, V2, 1)
    const refusal = await leaseOf(stream, { name: 'forecast@9', edition: 9, replaces: 'forecast@1' }, TOPICS, 2).catch(
      (error: unknown) => error,
    )
    expect(isMillraceError(refusal, 'GRAPH_INVALID'), String(refusal)).toBe(true)
    expect(String(refusal)).toMatch(/forecast@9 replaces forecast@1, whose place forecast@2 has taken over/)
  })
})
