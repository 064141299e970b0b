import { replayTopic } from '../agents/dead-letter.ts'
import type { Pipeline } from '../pipeline.ts'
import type { TopicSpec } from '../stream/stream.ts'

/** A letter that is replayed is worked on at once or stays `replayed`, to be replayed again; this is far more than it needs. */
const REPLAY_RETENTION_MS = 7 * 24 * 3_600_000

/** Every topic that the pipeline needs in the stream: those it declares, and a replay topic for each agent's dead letters. */
export function topicSpecs(pipeline: Pipeline): TopicSpec[] {
  return [
    ...[...pipeline.topics.values()].map(topic => topic.spec),
    ...[...pipeline.agents.values()].map(agent => ({ name: replayTopic(agent), partitions: 1, retentionMs: REPLAY_RETENTION_MS })),
  ]
}
