import assert from 'node:assert/strict'
import type { Checkpoint, Group, Stream } from '../stream/stream.ts'
import { eventually, type TestFramework, type UnderTest, within } from './framework.ts'
import { type GroupMember, Members, moved, placeOf } from './group-member.ts'
import { refused } from './refusal.ts'
import type { StreamSuiteOptions } from './stream-suite.ts'
import { batch, dataOf, further, spec, texts } from './suite-data.ts'

const GROUP: Group = { name: 'forecast@2', edition: 2 }
const NEXT: Group = { name: 'forecast@3', edition: 3, replaces: 'forecast@2' }
const TOPICS = ['demand']
const DEMAND = { topic: 'demand', partition: 0 }
const BYTES = 100_000

/** Where a group begins: nothing is counted yet. */
function begun(offset: number, edition = GROUP.edition): Checkpoint {
  return { offset, first: offset, done: 0, dead: 0, duplicate: 0, lost: 0, edition }
}

/** Groups, leases and checkpoints: the part of the stream's suite that fences. */
export function streamGroupSuite({ describe, it }: TestFramework, name: string, options: StreamSuiteOptions): void {
  /** A topic of so many partitions with five data in each. */
  const over = (partitions: number, test: (stream: Stream, members: Members, under: UnderTest<Stream>) => Promise<void>) => async () => {
    const under = await options.open()
    const members = new Members(under.subject)
    try {
      await under.subject.ensure([spec('demand', partitions)])
      for (let partition = 0; partition < partitions; partition++)
        await under.subject.append([batch('demand', partition, texts(`${partition}.`, 5))])
      await test(under.subject, members, under)
      await members.closeAll()
    } finally {
      await under.dispose()
    }
  }

  describe(`${name} as a stream: a group begins`, () => {
    it(
      'at the earliest datum, with nothing counted and its own edition',
      over(1, async (_stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        assert.deepEqual(placeOf(lease, 'demand').checkpoint, begun(0))
        assert.equal(lease.group.edition, GROUP.edition)
      }),
    )

    it(
      'at the latest',
      over(1, async (_stream, members) => {
        assert.deepEqual(placeOf(await members.join(GROUP, TOPICS, 'latest').lease(1), 'demand').checkpoint, begun(5))
      }),
    )

    it(
      'at the first datum appended at or after a time',
      over(1, async (stream, members) => {
        const { appendedMs } = await stream.read('demand', 0, 0, BYTES)
        await eventually('the clock goes on', () => Date.now() > appendedMs + 2 || undefined)
        await stream.append([batch('demand', 0, ['late'])])
        const late = await stream.read('demand', 0, 5, 1)
        const lease = await members.join(GROUP, TOPICS, { timeMs: late.appendedMs }).lease(1)
        assert.equal(late.first, 5, 'The late batch is one of its own.')
        assert.deepEqual(placeOf(lease, 'demand').checkpoint, begun(5))
      }),
    )

    it(
      'where it stood, whatever it asks for now, and beside every other group',
      over(1, async (_stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        await lease.commit([moved(placeOf(lease, 'demand'), 2)])
        await members.closeAll()
        const again = await members.join(GROUP, TOPICS, 'latest').lease(1)
        assert.deepEqual(placeOf(again, 'demand').checkpoint, further(begun(0), 2))
        const other = await members.join({ name: 'other@1', edition: 1 }, TOPICS).lease(1)
        assert.deepEqual(placeOf(other, 'demand').checkpoint, begun(0, 1))
      }),
    )
  })

  describe(`${name} as a stream: a checkpoint`, () => {
    it(
      'carries every count, and an intent for as long as it is open',
      over(1, async (_stream, members) => {
        const opened: Checkpoint = { ...begun(0), offset: 3, done: 0, dead: 1, duplicate: 1, lost: 1, intent: { first: 3, end: 5 } }
        const lease = await members.join(GROUP, TOPICS).lease(1)
        await lease.commit([{ ...DEMAND, from: 0, checkpoint: opened }])
        const owner = await members.successor(GROUP, TOPICS, 1)
        assert.deepEqual(placeOf(owner, 'demand').checkpoint, opened, 'A new owner must see the roll that has begun.')
        const { intent: _, ...rest } = opened
        await owner.commit([{ ...DEMAND, from: 3, checkpoint: further(rest, 2) }])
        assert.deepEqual(placeOf(await members.successor(GROUP, TOPICS, 1), 'demand').checkpoint, further(rest, 2))
      }),
    )

    it(
      'moves only from where it stands: a commit computed from elsewhere is refused whole',
      over(2, async (_stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(2)
        const [zero, one] = [placeOf(lease, 'demand', 0), placeOf(lease, 'demand', 1)]
        await lease.commit([moved(zero, 4)])
        await refused('a commit computed from an offset that has moved on', 'LEASE_LOST', () =>
          lease.commit([moved(one, 3), moved(zero, 5)]),
        )
        await refused('a commit computed from an offset not reached', 'LEASE_LOST', () => lease.commit([moved(one, 1, 2)]))
        const after = await members.successor(GROUP, TOPICS, 2)
        assert.equal(placeOf(after, 'demand', 0).checkpoint.offset, 4)
        assert.equal(placeOf(after, 'demand', 1).checkpoint.offset, 0, 'A refused commit moved one of its partitions.')
      }),
    )

    it(
      'moves several times under one lease',
      over(1, async (_stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        const start = placeOf(lease, 'demand').checkpoint
        for (let i = 0; i < 5; i++) await lease.commit([{ ...DEMAND, from: i, checkpoint: further(start, i + 1) }])
        assert.deepEqual(placeOf(await members.successor(GROUP, TOPICS, 1), 'demand').checkpoint, further(start, 5))
      }),
    )

    if (options.durable)
      it(
        'outlives a restart',
        over(1, async (_stream, members, under) => {
          const lease = await members.join(GROUP, TOPICS).lease(1)
          const checkpoint: Checkpoint = { ...further(begun(0), 2), intent: { first: 2, end: 4 } }
          await lease.commit([{ ...DEMAND, from: 0, checkpoint }])
          await members.closeAll()
          const again = new Members(await under.reopen!())
          const renewed = await again.join({ ...GROUP, edition: 9 }, TOPICS).lease(1)
          assert.deepEqual(placeOf(renewed, 'demand').checkpoint, checkpoint)
          assert.equal(renewed.group.edition, GROUP.edition, 'The edition is the one committed, not the one asked for.')
          await again.closeAll()
        }),
      )
  })

  describe(`${name} as a stream: members of a group`, () => {
    it(
      'share its partitions, each with one of them, and the lease there was has ended',
      over(4, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        const all = await first.lease(4)
        const second = members.join(GROUP, TOPICS)
        const [mine, yours] = [await first.lease(2), await second.lease(2)]
        const shared = [...mine.partitions, ...yours.partitions].map(place => place.partition).sort()
        assert.deepEqual(shared, [0, 1, 2, 3], 'Each partition is with exactly one member.')
        assert.equal(all.signal.aborted, true, 'The lease of all four goes on beside those of two.')
      }),
    )

    it(
      'read every position again at each lease',
      over(2, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        const lease = await first.lease(2)
        await lease.commit([moved(placeOf(lease, 'demand', 0), 3), moved(placeOf(lease, 'demand', 1), 2)])
        const second = members.join(GROUP, TOPICS)
        const places = [...(await first.lease(1)).partitions, ...(await second.lease(1)).partitions]
        for (const place of places) assert.equal(place.checkpoint.offset, place.partition === 0 ? 3 : 2)
      }),
    )

    it(
      'hand over when one closes',
      over(4, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        const second = members.join(GROUP, TOPICS)
        const lease = await second.lease(2)
        await first.lease(2)
        await second.close()
        assert.equal(lease.signal.aborted, true)
        assert.equal((await first.lease(4)).partitions.length, 4)
      }),
    )

    it(
      'are refused once their lease has ended, and nothing has moved',
      over(2, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        const ended = await first.lease(2)
        members.join(GROUP, TOPICS)
        const kept = await first.lease(1)
        const still = kept.partitions[0]!
        await refused('a commit under an ended lease, for a partition that the member has again', 'LEASE_LOST', () =>
          ended.commit([moved(still, 3)]),
        )
        await refused('a commit for a partition of another member', 'LEASE_LOST', () =>
          kept.commit([moved(ended.partitions.find(place => place.partition !== still.partition)!, 3)]),
        )
        for (const place of (await members.successor(GROUP, TOPICS, 2)).partitions) assert.equal(place.checkpoint.offset, 0)
      }),
    )

    it(
      'who commit while partitions are shared out anew are refused, or what they moved is in the new leases',
      over(2, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        for (let round = 0; round < 10; round++) {
          const lease = await first.lease(2)
          const place = placeOf(lease, 'demand', 0)
          const second = members.join(GROUP, TOPICS)
          const outcomes: Promise<boolean>[] = []
          // Until it hears that its lease has ended it goes on, as a process does that was stopped for a while.
          for (let from = place.checkpoint.offset; !lease.signal.aborted; from++) {
            const commit = lease.commit([moved({ ...place, checkpoint: further(place.checkpoint, from - place.checkpoint.offset) }, 1)])
            outcomes.push(
              commit.then(
                () => true,
                () => false,
              ),
            )
            await new Promise(setImmediate)
          }
          const accepted = (await within('every commit is answered', Promise.all(outcomes))).filter(outcome => outcome).length
          const places = [...(await first.lease(1)).partitions, ...(await second.lease(1)).partitions]
          assert.equal(
            places.find(given => given.partition === 0)?.checkpoint.offset,
            place.checkpoint.offset + accepted,
            `Round ${round}: ${accepted} commits were accepted, and the new lease was given another place.`,
          )
          await second.close()
        }
      }),
    )

    it(
      'are refused after they have closed',
      over(1, async (_stream, members) => {
        const member = members.join(GROUP, TOPICS)
        const lease = await member.lease(1)
        await member.close()
        await refused('a commit after close()', 'LEASE_LOST', () => lease.commit([moved(placeOf(lease, 'demand'), 3)]))
        assert.equal(placeOf(await members.successor(GROUP, TOPICS, 1), 'demand').checkpoint.offset, 0)
      }),
    )

    it(
      'of other groups do not disturb them',
      over(2, async (_stream, members) => {
        const member = members.join(GROUP, TOPICS)
        const lease = await member.lease(2)
        const other = members.join({ name: 'other@1', edition: 1 }, TOPICS)
        await other.lease(2)
        await other.close()
        assert.equal(lease.signal.aborted, false)
        assert.equal(member.taken, 1)
      }),
    )
  })

  describe(`${name} as a stream: fetch`, () => {
    it(
      'gives what is there from an offset on',
      over(1, async (_stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        const read = await within('fetch() of what is there', lease.fetch(DEMAND, 3, BYTES))
        assert.deepEqual(read && dataOf(read, 3).map(d => d.text), ['0.3', '0.4'])
      }),
    )

    it(
      'waits at the end and wakes when data come, again and again',
      over(1, async (stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        for (let next = 5; next < 15; next++) {
          const fetching = lease.fetch(DEMAND, next, BYTES)
          await stream.append([batch('demand', 0, [`${next}`])])
          const read = await within(`fetch() wakes for offset ${next}`, fetching)
          assert.deepEqual(read && dataOf(read, next).map(d => d.text), [`${next}`])
        }
      }),
    )

    it(
      'of one partition is not woken by another’s data',
      over(2, async (stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(2)
        let woken = 'neither'
        const quiet = lease.fetch({ ...DEMAND, partition: 1 }, 5, BYTES).then(read => {
          woken = `${read?.topic}/${read?.partition}, ${read?.count} data`
        })
        await stream.append([batch('demand', 0, ['x'])])
        assert.equal((await within('fetch() of the other partition', lease.fetch(DEMAND, 5, BYTES)))?.count, 1)
        assert.equal(woken, 'neither')
        await members.closeAll()
        await within('fetch() ends with the lease', quiet)
      }),
    )

    it(
      'resolves to undefined when the lease ends, by another member’s joining or by close()',
      over(2, async (_stream, members) => {
        const first = members.join(GROUP, TOPICS)
        const lease = await first.lease(2)
        const waiting = lease.partitions.map(place => lease.fetch(place, 5, BYTES))
        members.join(GROUP, TOPICS)
        assert.deepEqual(await within('fetches end with their lease', Promise.all(waiting)), [undefined, undefined])
        const next = await first.lease(1)
        const fetching = next.fetch(next.partitions[0]!, 5, BYTES)
        await first.close()
        assert.equal(await within('fetch() ends with close()', fetching), undefined)
        assert.equal(await within('fetch() under an ended lease', next.fetch(next.partitions[0]!, 5, BYTES)), undefined)
      }),
    )

    it(
      'ends when the stream closes',
      over(1, async (stream, members) => {
        const lease = await members.join(GROUP, TOPICS).lease(1)
        const fetching = lease.fetch(DEMAND, 5, BYTES).catch((error: { code?: string }) => error.code)
        await stream.close()
        assert.ok([undefined, 'ENGINE_CLOSED'].includes((await within('fetch() ends with the stream', fetching)) as string | undefined))
        assert.equal(lease.signal.aborted, true)
      }),
    )
  })

  describe(`${name} as a stream: a group that replaces another`, () => {
    /** The old group has handled two data of partition 0 and has its lease still. */
    async function beside(members: Members): Promise<{ old: GroupMember; lease: Awaited<ReturnType<GroupMember['lease']>> }> {
      const old = members.join(GROUP, TOPICS)
      const lease = await old.lease(2)
      await lease.commit([moved(placeOf(lease, 'demand', 0), 2)])
      return { old, lease }
    }

    it(
      'takes over its place and its edition, and the old group’s commits are refused',
      over(2, async (_stream, members) => {
        const { old, lease } = await beside(members)
        const taken = await members.join(NEXT, TOPICS, 'latest').lease(2)
        assert.equal(taken.group.edition, GROUP.edition, 'What the old one left half done must keep its ids.')
        assert.deepEqual(placeOf(taken, 'demand', 0).checkpoint, further(begun(0), 2))
        assert.deepEqual(
          placeOf(taken, 'demand', 1).checkpoint,
          begun(0),
          'Where the old one had not begun to commit it still had its place.',
        )
        await refused('a commit of the group that was replaced', 'LEASE_LOST', () => lease.commit([moved(placeOf(lease, 'demand', 1), 1)]))
        assert.equal(lease.signal.aborted, true)
        assert.equal(old.taken, 1, 'The group that was replaced gets no other lease.')
        await taken.commit([moved(placeOf(taken, 'demand', 0), 3)])
      }),
    )

    it(
      'keeps what it took over, when it is subscribed again with the same words',
      over(2, async (_stream, members) => {
        await beside(members)
        const taken = await members.join(NEXT, TOPICS).lease(2)
        await taken.commit([moved(placeOf(taken, 'demand', 0), 1)])
        const again = await members.successor(NEXT, TOPICS, 2)
        assert.equal(again.group.edition, GROUP.edition)
        assert.equal(placeOf(again, 'demand', 0).checkpoint.offset, 3)
      }),
    )

    it(
      'takes over nothing where it has a place of its own already',
      over(2, async (_stream, members) => {
        const { replaces: _, ...alone } = NEXT
        const own = await members.join(alone, TOPICS).lease(2)
        await own.commit([moved(placeOf(own, 'demand', 1), 4)])
        await members.closeAll()
        const { lease } = await beside(members)
        const next = await members.join(NEXT, TOPICS).lease(2)
        assert.equal(next.group.edition, NEXT.edition)
        assert.deepEqual(
          [0, 1].map(partition => placeOf(next, 'demand', partition).checkpoint.offset),
          [0, 4],
        )
        await lease.commit([moved(placeOf(lease, 'demand', 1), 1)])
      }),
    )

    it(
      'begins where it asks, with its own edition, where there is nothing to take over',
      over(2, async (_stream, members) => {
        const next = await members.join(NEXT, TOPICS, 'latest').lease(2)
        assert.equal(next.group.edition, NEXT.edition)
        assert.deepEqual(placeOf(next, 'demand', 0).checkpoint, begun(5, NEXT.edition))
      }),
    )
  })
}
