import { replayTopicSpec } from '../agents/dead-letter.ts'
import { CANARY_TOPIC } from '../objectives/canary.ts'
import type { Pipeline } from '../pipeline.ts'
import type { TopicSpec } from '../stream/stream.ts'

/** Every topic that the pipeline needs in the stream: those it declares, and a replay topic for each agent's dead letters, and that of canaries. */
export function topicSpecs(pipeline: Pipeline): TopicSpec[] {
  return [
    ...[...pipeline.topics.values()].map(topic => topic.spec),
    ...[...pipeline.agents.values()].map(replayTopicSpec),
    ...(pipeline.canaryMs === undefined ? [] : [CANARY_TOPIC.spec]),
  ]
}
