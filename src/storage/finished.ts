import { isReplayTopic } from '../agents/dead-letter.ts'
import type { Engine } from '../engine/engine.ts'
import type { TopicPartition } from '../stream/stream.ts'
import { type AgentVersion, COPY, DEAD, DONE } from '../trace/trace.ts'

const READ_BYTES = 1024 * 1024

/** What was found finished from an offset on: positions up to `end`, and as what they count. */
export interface Finished {
  readonly end: number
  readonly done: number
  readonly dead: number
  readonly duplicate: number
}

/**
 * The data from `from` on that the trace knows as done or dead at their own positions, up to the first of which it does not; undefined where
 * there are none. A place has such before it only where it was set back, by an operator's tool or a coordinator that forgot it: rolls
 * would then be cut in other places, and what is stored already be stored again in other files. One batch at most: look again behind it.
 */
export async function finishedFrom(
  engine: Pick<Engine, 'read' | 'claim'>,
  agent: AgentVersion,
  place: TopicPartition,
  from: number,
  atMs: number,
): Promise<Finished | undefined> {
  const batch = await engine.read(place.topic, place.partition, from, READ_BYTES)
  if (batch.count === 0 || batch.first > from) return undefined
  const counts = { done: 0, dead: 0, duplicate: 0 }
  let end = from
  for (const state of await engine.claim(agent, batch, from, atMs)) {
    if (state === DONE) counts.done++
    else if (state === DEAD && !isReplayTopic(place.topic)) counts.dead++
    else if (state === COPY) counts.duplicate++
    else break
    end++
  }
  // Copies alone are nothing unusual: they are left out of the roll that they are in.
  return counts.done + counts.dead === 0 ? undefined : { end, ...counts }
}
