import { MillraceError } from '../../../../errors.ts'
import { away, type Cluster } from '../cluster.ts'
import { answered } from '../wire/answered.ts'

/** An offset as a group has committed it. */
export interface CommittedOffset {
  readonly kafkaTopic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string | null | undefined
}

/** Who commits: refused by the coordinator unless the group's generation is this one and the member in it. */
export interface Committer {
  readonly kafkaGroup: string
  readonly memberId: string
  readonly generationId: number
}

const NO_EPOCH = -1

/** What a group has committed, of some topics or of all. @throws a transient error; call it within `patiently`. */
export async function committedOffsets(
  cluster: Cluster,
  kafkaGroup: string,
  places: readonly { readonly kafkaTopic: string; readonly partitions: number }[] | undefined,
): Promise<CommittedOffset[]> {
  const topics =
    places?.map(({ kafkaTopic, partitions }) => ({
      name: kafkaTopic,
      partitionIndexes: Array.from({ length: partitions }, (_, i) => i),
    })) ?? null
  const connection = await cluster.coordinator(kafkaGroup)
  // Stable: an offset that a transaction is about to commit is waited for.
  const { groups } = await answered(
    cluster.kafka.offsetFetchV8.api.async(connection, [{ groupId: kafkaGroup, memberEpoch: NO_EPOCH, topics }], true),
  )
  const [group] = groups
  if (group === undefined) throw away(`the offsets of ${kafkaGroup} were not answered`)
  judge(cluster, kafkaGroup, group.errorCode)
  return group.topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ partitionIndex, committedOffset, metadata, errorCode }) => {
      judge(cluster, kafkaGroup, errorCode)
      return committedOffset < 0n ? [] : [{ kafkaTopic: name, partition: partitionIndex, offset: Number(committedOffset), metadata }]
    }),
  )
}

/**
 * Commits offsets in one request, each of which the coordinator takes or refuses.
 * @throws LEASE_LOST where the generation is over: this request has moved nothing. Any other error: each of them may have been taken or not.
 */
export async function commitOffsets(cluster: Cluster, committer: Committer, offsets: readonly CommittedOffset[]): Promise<void> {
  const { kafkaGroup, generationId, memberId } = committer
  const topics = [...Map.groupBy(offsets, ({ kafkaTopic }) => kafkaTopic)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: NO_EPOCH,
      committedMetadata: metadata ?? null,
    })),
  }))
  const connection = await cluster.coordinator(kafkaGroup)
  // Not the client's own commit(): with a stale generation it joins again and commits the old offset under the new one.
  const answer = await answered(cluster.kafka.offsetCommitV8.api.async(connection, kafkaGroup, generationId, memberId, null, topics))
  const problems = answer.topics.flatMap(({ partitions }) =>
    partitions.flatMap(({ errorCode }) => problemOf(cluster, kafkaGroup, errorCode) ?? []),
  )
  // The gravest counts: what one partition's moment would mend is not to hide what trying again does not.
  const problem = problems.find(one => one.code === 'LEASE_LOST') ?? problems.find(one => one.code !== 'STREAM_UNAVAILABLE') ?? problems[0]
  if (problem !== undefined) throw problem
}

const ENDED = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'])
const ELSEWHERE = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'])

function judge(cluster: Cluster, kafkaGroup: string, errorCode: number): void {
  const problem = problemOf(cluster, kafkaGroup, errorCode)
  if (problem !== undefined) throw problem
}

function problemOf(cluster: Cluster, kafkaGroup: string, errorCode: number): MillraceError | undefined {
  const problem = cluster.errorId(errorCode)
  if (problem === undefined) return undefined
  if (ENDED.has(problem)) return new MillraceError('LEASE_LOST', `The group ${kafkaGroup} has been shared out anew (${problem}).`)
  if (problem.endsWith('AUTHORIZATION_FAILED')) {
    return cluster.denied(`read or commit offsets of the group ${kafkaGroup}`, `Read on the group ${kafkaGroup} and on its topics`)
  }
  if (ELSEWHERE.has(problem)) cluster.forgetCoordinator(kafkaGroup)
  if (ELSEWHERE.has(problem) || cluster.kafka.protocolErrors[problem]?.canRetry === true) {
    return away(`the coordinator of the group ${kafkaGroup}: ${problem}`)
  }
  return new MillraceError('ENGINE_FAILED', `Kafka does not take the offsets of the group ${kafkaGroup}: ${problem}.`, {
    ...(problem === 'OFFSET_METADATA_TOO_LARGE' ? { fix: 'Set offset.metadata.max.bytes of the brokers to 4096, their default.' } : {}),
  })
}
