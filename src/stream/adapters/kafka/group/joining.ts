import { MillraceError } from '../../../../errors.ts'
import type { Connection } from '../client.ts'
import { away, type Cluster } from '../cluster.ts'
import { answered } from '../wire/answered.ts'
import { type Share, shareOut } from './assignment.ts'

/** One generation of a group, as one member has it. */
export interface Generation {
  readonly memberId: string
  readonly generationId: number
  /** The member's share, by the topics' names in Kafka. */
  readonly shares: readonly Share[]
}

/** The attempt is over and another one should follow: under the same member id, a new one, or the one that the coordinator gave. */
export interface Again {
  readonly memberId: string
}

const PROTOCOL_TYPE = 'consumer'
/** Kafka's own name for it; every member of the group is a Millrace, so what counts is that all say the same. */
const PROTOCOL = 'range'
const SUBSCRIPTION_VERSION = 1
const ASSIGNMENT_VERSION = 0
const NO_DATA = Buffer.alloc(0)

/**
 * Joins a group and learns the member's share. The coordinator answers once every member has joined, so the connection is one of the
 * member's own. @throws classified errors; transient ones while the coordinator moves.
 */
export async function joinGeneration(
  cluster: Cluster,
  connection: Connection,
  kafkaGroup: string,
  kafkaTopics: readonly string[],
  memberId: string,
): Promise<Generation | Again> {
  const { kafka, settings } = cluster
  const { sessionTimeoutMs } = settings
  const metadata = kafka.encodeConsumerProtocolSubscription({ version: SUBSCRIPTION_VERSION, topics: [...kafkaTopics], userData: NO_DATA })
  const joined = await answered(
    kafka.joinGroupV7.api.async(connection, kafkaGroup, sessionTimeoutMs, sessionTimeoutMs, memberId, null, PROTOCOL_TYPE, [
      { name: PROTOCOL, metadata },
    ]),
  )
  const refused = judge(cluster, kafkaGroup, joined.errorCode, joined.memberId || memberId)
  if (refused !== undefined) return refused
  const { generationId, leader, members } = joined
  const claimants = members.map(member => ({
    memberId: member.memberId,
    topics: new Set(kafka.decodeConsumerProtocolSubscription(member.metadata).topics),
  }))
  const assignments = leader === joined.memberId ? await assignmentsFor(cluster, claimants) : []
  const synced = await answered(
    kafka.syncGroupV5.api.async(connection, kafkaGroup, generationId, joined.memberId, null, PROTOCOL_TYPE, PROTOCOL, assignments),
  )
  const late = judge(cluster, kafkaGroup, synced.errorCode, joined.memberId)
  if (late !== undefined) return late
  const { assignedPartitions } = kafka.decodeConsumerProtocolAssignment(synced.assignment)
  return { memberId: joined.memberId, generationId, shares: assignedPartitions }
}

/** The leader of a generation shares out for all. */
async function assignmentsFor(
  cluster: Cluster,
  members: Parameters<typeof shareOut>[1],
): Promise<{ memberId: string; assignment: Buffer }[]> {
  const topics = [...new Set(members.flatMap(member => [...member.topics]))]
  await cluster.refresh(topics)
  const partitions = new Map<string, number>()
  for (const topic of topics) {
    const known = cluster.known(topic)
    if (known === undefined) throw new MillraceError('TOPIC_UNKNOWN', `There is no topic ${topic} in Kafka, which a group reads.`)
    partitions.set(topic, known.partitions.length)
  }
  return [...shareOut(partitions, members)].map(([memberId, shares]) => ({
    memberId,
    assignment: cluster.kafka.encodeConsumerProtocolAssignment({ version: ASSIGNMENT_VERSION, assignedPartitions: shares }),
  }))
}

/** What an answer to a member means; undefined where all is well. @throws what trying again does not mend, and what it does. */
export function judge(cluster: Cluster, kafkaGroup: string, errorCode: number, memberId: string): Again | undefined {
  const problem = cluster.errorId(errorCode)
  switch (problem) {
    case undefined:
      return undefined
    case 'MEMBER_ID_REQUIRED':
    case 'REBALANCE_IN_PROGRESS':
    case 'ILLEGAL_GENERATION':
      return { memberId }
    case 'UNKNOWN_MEMBER_ID':
    case 'FENCED_INSTANCE_ID':
      return { memberId: '' }
    case 'GROUP_AUTHORIZATION_FAILED':
      throw cluster.denied(`join the group ${kafkaGroup}`, `Read on the group ${kafkaGroup}`)
    case 'TOPIC_AUTHORIZATION_FAILED':
      throw cluster.denied(`join the group ${kafkaGroup}`, `Read on the topics it reads`)
    case 'INCONSISTENT_GROUP_PROTOCOL':
      throw new MillraceError('STREAM_DENIED', `The group ${kafkaGroup} has members that are no Millrace.`, {
        fix: 'Look at them with kafka-consumer-groups --describe --members, and give them a group of their own.',
      })
    case 'INVALID_SESSION_TIMEOUT':
      throw new MillraceError('CONFIG_INVALID', `The brokers do not take a session timeout of ${cluster.settings.sessionTimeoutMs} ms.`, {
        fix: 'Use one between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers.',
      })
    default:
      cluster.forgetCoordinator(kafkaGroup)
      if (cluster.kafka.protocolErrors[problem]?.canRetry === true) throw away(`the coordinator of the group ${kafkaGroup}: ${problem}`)
      throw new MillraceError('ENGINE_FAILED', `Kafka does not let a member into the group ${kafkaGroup}: ${problem}.`)
  }
}
