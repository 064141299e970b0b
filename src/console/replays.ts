import { replayTopic } from '../agents/dead-letter.ts'
import type { ReplayRecord } from '../agents/replay-log.ts'
import { agentOf, type Standing } from '../engine/engine.ts'

/**
 * open: begun, and not heard of an end. interrupted, complete: as it ended. cut off: the agent's version was replaced before it had read all
 * that was put; where that does not go on by itself, going on with the replay sees to it.
 */
export type ReplayFate = 'open' | 'interrupted' | 'complete' | 'cut off'

/** A replay as it goes over a wire. `standings`: where the agents stand, for how much of it is unread. */
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
    state: replayFate(record, standings),
    unread: unreadOf(record, standings),
  }
}

export function replayFate(record: ReplayRecord, standings: readonly Standing[]): ReplayFate {
  if (placeOf(record, standings)?.replacedBy !== undefined && unreadOf(record, standings) > 0) return 'cut off'
  return record.ended === undefined ? 'open' : record.ended.complete ? 'complete' : 'interrupted'
}

/** How many of its data the agent has not come to yet. */
function unreadOf(record: ReplayRecord, standings: readonly Standing[]): number {
  const place = placeOf(record, standings)
  return place === undefined || record.put === undefined ? 0 : Math.max(0, record.put.end - place.checkpoint.offset)
}

function placeOf({ put }: ReplayRecord, standings: readonly Standing[]): Standing | undefined {
  return standings.find(({ group, topic }) => topic === put?.topic && replayTopic(agentOf(group)) === topic)
}
