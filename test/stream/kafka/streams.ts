import { randomBytes } from 'node:crypto'
import { ConnectionPool, offsetCommitV8 } from '@platformatic/kafka'
import { type KafkaOptions, openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import type { Group, GroupedStream, Lease, Start } from '../../../src/stream/stream.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { servers } from '../../servers/shared.ts'

export const PIPELINE = 'grid'

/** Streams of one test, on names that nobody else has; they are closed with it. */
export class Streams implements AsyncDisposable {
  readonly prefix = `test-${randomBytes(6).toString('hex')}.`
  readonly broker: string
  readonly #open: GroupedStream[] = []

  constructor(broker = servers().kafka) {
    this.broker = broker
  }

  async open(options: Partial<KafkaOptions> = {}): Promise<GroupedStream> {
    const stream = await openKafka({ brokers: this.broker.split(','), pipeline: PIPELINE, prefix: this.prefix, ...options })
    this.#open.push(stream)
    return stream
  }

  /** What a group of the pipeline is called in the cluster. */
  group(name: string): string {
    return `${this.prefix}millrace.${PIPELINE}.${name}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map(stream => stream.close()))
  }
}

/** A member's first lease, and its closing. */
export async function leaseOf(
  stream: GroupedStream,
  group: Group,
  topics: readonly string[],
  partitions: number,
  start: Start = 'earliest',
): Promise<{ lease: Lease; close(): Promise<void> }> {
  const member = new GroupMember(stream, group, topics, start)
  try {
    return { lease: await member.lease(partitions), close: () => member.close() }
  } catch (error) {
    await member.close()
    throw error
  }
}

/** Commits an offset of `demand` as `kafka-consumer-groups --reset-offsets` does, while nobody is in the group: its metadata is empty. */
export async function commitRaw(streams: Streams, group: string, partition: number, offset: number, metadata = ''): Promise<void> {
  const pool = new ConnectionPool('operator')
  const [host, port] = streams.broker.split(':') as [string, string]
  const connection = await pool.get({ host, port: Number(port) })
  const partitions = [{ partitionIndex: partition, committedOffset: BigInt(offset), committedLeaderEpoch: -1, committedMetadata: metadata }]
  await offsetCommitV8.api.async(connection, streams.group(group), -1, '', null, [{ name: `${streams.prefix}demand`, partitions }])
  await pool.close()
}
