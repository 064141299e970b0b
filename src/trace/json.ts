import type { AgentStory, DatumStory, Fate } from './explain.ts'
import type { Lineage } from './lineage.ts'
import type { Position } from './trace.ts'

/** The story as it goes over a wire: snake_case, times in RFC 3339 UTC, lengths of time in milliseconds (`_ms`). */
export function storyToJson(story: DatumStory): Record<string, unknown> {
  return {
    data_id: story.dataId,
    source: story.source,
    created: iso(story.createdMs),
    accepted: iso(story.acceptedMs),
    positions: story.positions.map(placeToJson),
    parents: story.parents,
    agents: story.agents.map(agentToJson),
    truncated: story.truncated,
  }
}

/** A lineage as it goes over a wire. */
export function lineageToJson(lineage: Lineage): Record<string, unknown> {
  return {
    data_id: lineage.dataId,
    data: lineage.data.map(datum => ({
      data_id: datum.dataId,
      source: datum.source,
      created: iso(datum.createdMs),
      ...placeToJson(datum),
    })),
    links: lineage.links,
    forgotten: lineage.forgotten,
    truncated: lineage.truncated,
  }
}

function placeToJson(at: Position): Record<string, unknown> {
  return { topic: at.topic, partition: at.partition, offset: at.offset, appended: iso(at.appendedMs) }
}

function agentToJson(story: AgentStory): Record<string, unknown> {
  return {
    agent: story.name,
    version: story.version,
    topic: story.topic,
    partition: story.partition,
    offset: story.offset,
    replay: story.replay,
    ...(story.replacedBy === undefined ? {} : { replaced_by: story.replacedBy }),
    state: story.fate.state.replace(' ', '_'),
    ...fateToJson(story.fate),
  }
}

function fateToJson(fate: Fate): Record<string, unknown> {
  switch (fate.state) {
    case 'done':
      return {
        claimed: iso(fate.claimedMs),
        finished: iso(fate.finishedMs),
        waited_ms: fate.waitedMs,
        took_ms: fate.tookMs,
        attempts: fate.attempts,
        outputs: fate.outputs.map(output => ({ data_id: output.dataId, topic: output.topic })),
      }
    case 'dead':
      return {
        claimed: iso(fate.claimedMs),
        finished: iso(fate.finishedMs),
        waited_ms: fate.waitedMs,
        attempts: fate.attempts,
        reason: fate.reason,
        ...(fate.letter === undefined ? {} : { letter: fate.letter.letter, letter_state: fate.letter.state }),
      }
    case 'in hand':
      return { since: iso(fate.sinceMs), waited_ms: fate.waitedMs, attempts: fate.attempts }
    case 'waiting':
      return { since: iso(fate.sinceMs), ahead: fate.ahead, behind: fate.behind }
    default:
      return {}
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
