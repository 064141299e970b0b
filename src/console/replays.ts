import { replayTopic } from '../agents/dead-letter.ts'
import type { ReplayRecord } from '../agents/replay-log.ts'
import { agentOf, type Standing } from '../engine/engine.ts'

/** A replay as it goes over a wire. `standings`: where the agents stand, for how much of it waits. */
export function replayToJson(record: ReplayRecord, standings: readonly Standing[]): Record<string, unknown> {
  return {
    replay: record.replay,
    agent: record.agent.name,
    version: record.agent.version,
    by: record.by,
    started: new Date(record.startedMs).toISOString(),
    heard: new Date(record.heardMs).toISOString(),
    what: record.chosen.words,
    rate: Number.isFinite(record.perSecond) ? record.perSecond : null,
    ...record.fates,
    state: record.ended === undefined ? 'open' : record.ended.complete ? 'complete' : 'interrupted',
    unread: unreadOf(record, standings),
  }
}

/** How many of its data the agent has not come to yet. */
export function unreadOf({ put }: ReplayRecord, standings: readonly Standing[]): number {
  if (put === undefined) return 0
  const place = standings.find(({ group, topic }) => topic === put.topic && replayTopic(agentOf(group)) === topic)
  return place === undefined || place.replacedBy !== undefined ? 0 : Math.max(0, put.end - place.checkpoint.offset)
}
