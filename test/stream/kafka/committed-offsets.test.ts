import { describe, expect, it } from 'vitest'
import { type CommittedOffset, commitOffsets } from '../../../src/stream/adapters/kafka/group/committed-offsets.ts'
import { errorCode } from './protocol-error.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const COMMITTER = { kafkaGroup: 'millrace.grid.forecast@1', memberId: 'member', generationId: 3 }

/** A commit of one offset in each partition, whose answers are these. */
async function commitAnswered(...answers: (string | undefined)[]): Promise<unknown> {
  const cluster = new ScriptedCluster({
    offsetCommitV8: async () => {
      const partitions = answers.map((error, partitionIndex) => ({ partitionIndex, errorCode: error === undefined ? 0 : errorCode(error) }))
      return { throttleTimeMs: 0, topics: [{ name: 'demand', partitions }] }
    },
  })
  const offsets: CommittedOffset[] = answers.map((_, partition) => ({ kafkaTopic: 'demand', partition, offset: 1, metadata: '' }))
  return commitOffsets(cluster, COMMITTER, offsets).catch((error: unknown) => error)
}

describe('a commit that the coordinator takes in part', () => {
  it('is told of by what is gravest in it, whichever partition comes first', async () => {
    const [moment, ended, denied] = ['COORDINATOR_LOAD_IN_PROGRESS', 'ILLEGAL_GENERATION', 'TOPIC_AUTHORIZATION_FAILED']
    expect(await commitAnswered(undefined, moment)).toMatchObject({ code: 'STREAM_UNAVAILABLE' })
    expect(await commitAnswered(moment, denied, undefined)).toMatchObject({ code: 'STREAM_DENIED' })
    expect(await commitAnswered(denied, moment, ended)).toMatchObject({ code: 'LEASE_LOST' })
    expect(await commitAnswered(moment, 'OFFSET_METADATA_TOO_LARGE')).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(await commitAnswered(undefined, undefined)).toBeUndefined()
  })
})
