import type { Engine, Standing } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Pipeline } from '../../pipeline.ts'
import { type StoredAt, writerName } from '../../storage/storage.ts'
import { MASK } from '../../stream/masked.ts'
import type { AgentStory, DatumStory } from '../../trace/explain.ts'
import { maskingOf, shownData, topicOfDatum } from '../masked.ts'
import { standingOf } from './life.ts'

/** Where a storage agent of the pipeline has put a datum, as its store says. Undefined where the agent is none, or the store does not say. */
export async function storedAt(
  engine: Pick<Engine, 'read' | 'logId'>,
  pipeline: Pipeline | undefined,
  agent: AgentStory,
  { dataId }: DatumStory,
  standings: readonly Standing[],
): Promise<StoredAt | undefined> {
  const declared = pipeline?.agents.get(`${agent.name}@${agent.version}`)
  const edition = standingOf(agent, standings)?.checkpoint.edition
  if (declared?.kind !== 'storage-agent' || declared.store.whereIs === undefined || edition === undefined) return undefined
  const { partition, offset } = agent
  const batch = await engine.read(agent.topic, partition, offset, 1)
  const cursor = new FrameCursor(batch.frames, batch.ascii)
  while (cursor.next()) if (batch.first + cursor.index === offset) break
  if (cursor.index < 0 || batch.first + cursor.index !== offset) return undefined
  const topic = declared.from.find(({ name }) => name === topicOfDatum(cursor, agent.topic))
  if (topic === undefined) return undefined
  // A path that has folders by key would tell the one that is hidden.
  if (shownData(maskingOf(pipeline, topic.name), cursor).key === MASK) return { where: declared.store.describe }
  return declared.store.whereIs({
    ...{ topic, partition, offset, dataId, isReplay: agent.replay, key: cursor.key, createdMs: cursor.createdMs },
    writer: writerName(engine.logId, agent.name, edition),
  })
}
