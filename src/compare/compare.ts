import type { EngineView } from '../engine/engine.ts'
import { Deriver } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { knownRange } from '../stream/known-range.ts'
import { offsetSince } from '../stream/since.ts'
import { commonRanges, firstAppendedMs, Handled } from './handled.ts'
import { OutputIndex } from './output-index.ts'
import { Pairs, type TopicComparison } from './pairs.ts'
import { type Side, sidesOf } from './sides.ts'

export type CompareView = Pick<EngineView, 'standings' | 'topics' | 'bounds' | 'read'>

export interface CompareOptions {
  /** What was appended from this moment on, milliseconds since 1970 UTC. */
  readonly sinceMs: number
  /** At most so many data, the latest. */
  readonly most?: number
  /** Of the largest differences, for each topic. Default 5. */
  readonly examples?: number
}

/** How the outputs of two versions differ, datum by datum. */
export interface Comparison {
  readonly sides: readonly [Pick<Side, 'agent' | 'isShadow'>, Pick<Side, 'agent' | 'isShadow'>]
  /** Data that both have handled in that time; of them, those that were compared. Fewer where they would not fit the memory. */
  readonly handled: number
  readonly compared: number
  readonly topics: readonly TopicComparison[]
}

const READ_BYTES = 1024 * 1024

/**
 * Compares two versions of an agent by what they made of the same data: what both have handled is looked up in the topics that they read, and its
 * outputs in those that they write. In bounded memory: where there are too many data, of a sample of them that is the same for both.
 * @throws AGENT_UNKNOWN; USAGE where the two read nothing in common.
 */
export async function compareVersions(view: CompareView, agents: readonly [string, string], options: CompareOptions): Promise<Comparison> {
  const standings = await view.standings()
  const [one, other] = sidesOf(agents, standings, await view.topics())
  const ranges = await commonRanges(view, one, other, standings, options)
  // Their outputs were appended after them.
  const sinceMs = await firstAppendedMs(view, ranges)
  const handled = new Handled()
  for (const range of ranges) {
    for await (const batch of knownRange(view, range, range, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) if (!cursor.isVoid) handled.add(cursor.bytes, cursor.idAt)
    }
  }
  const pairs = new Pairs(handled, options.examples ?? 5)
  if (sinceMs !== undefined) {
    for (const [place, side] of [one, other].entries()) {
      for (const [target, topic] of side.topics)
        await readOutputs(view, side, { target, topic, sinceMs }, pairs.side(place as 0 | 1, target))
    }
  }
  return { sides: [one, other], handled: handled.count, compared: handled.size, topics: pairs.result() }
}

/** Reads one side's outputs of one target to the end that there is now. */
async function readOutputs(
  view: CompareView,
  side: Side,
  { target, topic, sinceMs }: { readonly target: string; readonly topic: string; readonly sinceMs: number },
  take: ReturnType<Pairs['side']>,
): Promise<void> {
  const source = Buffer.from(side.group, 'utf8')
  const index = new OutputIndex(new Deriver(side.name, side.edition, side.isShadow ? topic : target))
  for (const [partition, bounds] of (await view.bounds(topic)).entries()) {
    const first = await offsetSince(view, { topic, partition }, bounds, sinceMs)
    for await (const batch of knownRange(view, { topic, partition }, { first, end: bounds.next }, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        if (cursor.isVoid || cursor.parentCount === 0 || !cursor.sourceBytes.equals(source)) continue
        take(cursor, index)
      }
    }
  }
}
