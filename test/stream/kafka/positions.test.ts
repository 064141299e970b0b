import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { CONTROL_SPEC, Control } from '../../../src/stream/adapters/kafka/control.ts'
import { readPositions } from '../../../src/stream/adapters/kafka/group/positions.ts'
import { takeOver } from '../../../src/stream/adapters/kafka/group/takeover.ts'
import { Names } from '../../../src/stream/adapters/kafka/names.ts'
import { MemoryBroker } from '../../../src/stream/adapters/memory/broker.ts'
import type { Group, Start } from '../../../src/stream/stream.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const V1: Group = { name: 'forecast@1', edition: 1 }
const V2: Group = { name: 'forecast@2', edition: 2, replaces: 'forecast@1' }
/** Every partition of the topic has data from 10 to 100. */
const [FIRST, NEXT] = [10, 100]
const EARLIEST = -2n

/** A coordinator that keeps and forgets offsets, a topic, and a control topic whose appends can be made to fail. */
class World {
  readonly offsets = new Map<string, Map<number, { offset: bigint; metadata: string | null }>>()
  readonly names = new Names('', 'grid')
  readonly cluster: ScriptedCluster
  isControlAway = false
  #control: Promise<Control> | undefined

  constructor() {
    this.cluster = new ScriptedCluster({
      listOffsetsV7: async (_connection, _replica, _isolation, topics) => ({
        throttleTimeMs: 0,
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, timestamp }) => ({
            partitionIndex,
            errorCode: 0,
            timestamp: -1n,
            offset: BigInt(timestamp === EARLIEST ? FIRST : NEXT),
            leaderEpoch: 0,
          })),
        })),
      }),
      offsetFetchV8: async (_connection, [asked]) => {
        const { groupId, topics } = asked!
        const kept = [...(this.offsets.get(groupId) ?? [])]
        const asks = (partition: number) => topics === null || topics!.some(topic => topic.partitionIndexes.includes(partition))
        const partitions = kept
          .filter(([partition]) => asks(partition))
          .map(([partitionIndex, { offset, metadata }]) => ({
            partitionIndex,
            committedOffset: offset,
            committedLeaderEpoch: -1,
            metadata,
            errorCode: 0,
          }))
        return { throttleTimeMs: 0, groups: [{ groupId, topics: [{ name: 'demand', partitions }], errorCode: 0 }] }
      },
      offsetCommitV8: async (_connection, groupId, _generation, _member, _instance, topics) => {
        const kept = this.offsets.get(groupId) ?? new Map()
        this.offsets.set(groupId, kept)
        for (const { partitionIndex, committedOffset, committedMetadata } of topics[0]!.partitions) {
          kept.set(partitionIndex, { offset: committedOffset, metadata: committedMetadata ?? null })
        }
        const answers = topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
        }))
        return { throttleTimeMs: 0, topics: answers }
      },
      describeGroupsV5: async (_connection, [groupId]) => ({
        throttleTimeMs: 0,
        groups: [
          {
            errorCode: 0,
            groupId: groupId!,
            groupState: 'Empty',
            protocolType: '',
            protocolData: '',
            members: [],
            authorizedOperations: 0,
          },
        ],
      }),
    })
    this.cluster.add('demand', 3)
  }

  /** As the brokers do by themselves, days after a group's last member has left. */
  forget({ name }: Group): void {
    this.offsets.delete(this.names.group(name))
  }

  /** As kafka-consumer-groups --reset-offsets does. */
  setByHand({ name }: Group, partition: number, offset: number): void {
    this.offsets.get(this.names.group(name))?.set(partition, { offset: BigInt(offset), metadata: '' })
  }

  control(): Promise<Control> {
    this.#control ??= this.#open()
    return this.#control
  }

  /** Where one member of a generation begins in its partitions. */
  async begin(group: Group, partitions: readonly number[], start: Start = 'latest') {
    const control = await this.control()
    await takeOver(this.cluster, this.names, control, group)
    const asked = { group: group.name, edition: group.edition, topics: ['demand'], start }
    const committer = { kafkaGroup: this.names.group(group.name), memberId: 'member', generationId: 1 }
    const places = partitions.map(partition => ({ topic: 'demand', kafkaTopic: 'demand', partition, topicId: 'id-of-demand' }))
    const positions = await readPositions(this.cluster, this.names, control, asked, committer, places)
    return { ...positions, offsets: positions.assigned.map(({ checkpoint }) => checkpoint.offset) }
  }

  async #open(): Promise<Control> {
    const log = new MemoryBroker().connect()
    await log.ensure([CONTROL_SPEC])
    return Control.open(
      {
        append: async batches => {
          if (this.isControlAway) throw new Error('the control topic is away')
          return log.append(batches)
        },
        read: (...from) => log.read(...from),
      },
      systemClock,
    )
  }
}

describe('a group that starts at the latest', () => {
  it('begins there in every partition, whichever of its first members is quicker', async () => {
    const world = new World()
    expect((await world.begin(V1, [0])).offsets).toEqual([NEXT])
    expect((await world.begin(V1, [1, 2])).offsets).toEqual([NEXT, NEXT])
  })

  it('begins at the first offset of partitions that the topic has got since, whoever of its members has one of them', async () => {
    const world = new World()
    await world.begin(V1, [0, 1, 2])
    world.cluster.add('demand', 5)
    expect((await world.begin(V1, [0, 1, 3])).offsets).toEqual([NEXT, NEXT, FIRST])
    expect((await world.begin(V1, [2, 4])).offsets).toEqual([NEXT, FIRST])
    expect((await world.begin({ name: 'other@1', edition: 1 }, [0, 3])).offsets).toEqual([NEXT, NEXT])
  })

  it('is known to have begun though the process died before that was noted', async () => {
    const world = new World()
    await world.control()
    world.isControlAway = true
    await expect(world.begin(V1, [0])).rejects.toThrow('away')
    world.isControlAway = false
    expect((await world.begin(V1, [0])).offsets).toEqual([NEXT])
    world.forget(V1)
    expect((await world.begin(V1, [0])).offsets).toEqual([FIRST])
  })
})

describe('a group whose offset was set by hand', () => {
  it('begins counting there, and folds from the first datum that the topic has', async () => {
    const world = new World()
    await world.begin(V1, [0, 1])
    world.setByHand(V1, 0, 50)
    world.setByHand(V1, 1, FIRST)
    const { assigned } = await world.begin(V1, [0, 1])
    expect(assigned.map(({ checkpoint }) => checkpoint)).toEqual([
      { offset: 50, first: 50, foldFrom: FIRST, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 1 },
      { offset: FIRST, first: FIRST, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 1 },
    ])
  })

  it('hands that on to the group that replaces it', async () => {
    const world = new World()
    await world.begin(V1, [0])
    world.setByHand(V1, 0, 50)
    await world.begin(V2, [0])
    expect((await world.begin(V2, [0])).assigned[0]?.checkpoint).toMatchObject({ offset: 50, first: 50, foldFrom: FIRST })
  })
})

describe('a group that replaces one whose offsets the brokers have forgotten', () => {
  it('begins at the earliest where that one had begun, has taken over from it, and goes on under its edition', async () => {
    const world = new World()
    await world.begin(V1, [0, 1])
    world.forget(V1)
    const { offsets, edition, line } = await world.begin(V2, [0, 1, 2])
    expect(offsets).toEqual([FIRST, FIRST, NEXT])
    expect(edition).toBe(1)
    expect(line.map(({ old }) => old)).toEqual(['forecast@1'])
  })

  it('begins at the first offset also of a partition that was added since that one began', async () => {
    const world = new World()
    await world.begin(V1, [0, 1, 2])
    world.cluster.add('demand', 4)
    expect((await world.begin(V2, [0, 3])).offsets).toEqual([NEXT, FIRST])
  })

  it('takes over from nobody where it has begun by itself, or where that one never had a place', async () => {
    const world = new World()
    expect((await world.begin(V2, [0])).line).toEqual([])
    await world.begin(V1, [0])
    world.forget(V2)
    const again = await world.begin(V2, [0])
    expect([again.offsets, again.line, again.edition]).toEqual([[FIRST], [], 2])
  })
})
