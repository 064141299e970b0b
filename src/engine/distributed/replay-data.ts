import { replayTopicSpec } from '../../agents/dead-letter.ts'
import { type Fate, type GivenAgain, NO_FATES } from '../../agents/replay.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { retype } from '../../envelope/retype.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { Checkpoint, GroupedStream, Place, RecordBatch, TopicPartition } from '../../stream/stream.ts'
import type { AgentVersion, Range } from '../../trace/trace.ts'
import { agentOf, groupName, unknownReader } from '../engine.ts'
import type { LetterLog } from './letter-log.ts'

/** One call puts about so much again at most, in one append. */
const MAX_BYTES = 1_000_000

/** Who reads what is put again: by the version that has the place now. */
interface Reader {
  readonly agent: AgentVersion
  /** Versions whose place it has. */
  readonly line: readonly number[]
  readonly checkpoint: Checkpoint
}

/**
 * Data that an agent is given again, over the log. What it did before its place began is known to the trace alone, which the agent asks when it
 * comes to them; so do copies, of a call whose answer was lost, end there.
 */
export class ReplayData {
  readonly #stream: GroupedStream
  readonly #letters: LetterLog

  constructor(stream: GroupedStream, letters: LetterLog) {
    this.#stream = stream
    this.#letters = letters
  }

  /** As {@link Engine.replay}. */
  async replay(agent: AgentVersion, from: TopicPartition, ranges: readonly Range[]): Promise<GivenAgain> {
    const reader = readerIn(await this.#stream.places(), agent, from)
    const retained = (await this.#stream.bounds(from.topic))[from.partition]
    if (retained === undefined) throw unknownReader(groupName(reader.agent), from)
    const spec = replayTopicSpec(reader.agent)
    await this.#stream.ensure([spec])
    const counts: Record<Fate, number> = { ...NO_FATES }
    const frames: Uint8Array[] = []
    let bytes = 0
    let next = ranges[0]?.first ?? 0
    looking: for (const { first, end } of ranges) {
      const there = { first: clamp(first, retained.first, retained.next), end: clamp(end, retained.first, retained.next) }
      for await (const batch of knownRange(this.#stream, from, there, { readBytes: MAX_BYTES })) {
        for (const frame of await this.#looked(reader, batch, counts)) {
          frames.push(frame)
          bytes += frame.length
        }
        next = batch.first + batch.count
        if (bytes >= MAX_BYTES) break looking
      }
      next = end
    }
    // What was not met in the log between the ranges' beginnings and here.
    const looked = ranges.reduce((sum, { first, end }) => sum + Math.max(0, Math.min(end, next) - first), 0)
    counts.gone += looked - Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { fates: counts, next, topic: spec.name, end: await this.#put(spec.name, frames) }
  }

  /** @returns the frames of those that are to be put again. */
  async #looked({ agent, line, checkpoint }: Reader, batch: RecordBatch, counts: Record<Fate, number>): Promise<Uint8Array[]> {
    const cursor = new FrameCursor(batch.frames)
    const ids: string[] = []
    while (cursor.next()) ids.push(cursor.isVoid ? '' : cursor.dataId)
    const letters = await this.#letters.statesOf(agent, line, ids)
    const frames: Uint8Array[] = []
    const again = new FrameCursor(batch.frames)
    while (again.next()) {
      const offset = batch.first + again.index
      const fate = again.isVoid ? 'gone' : fateOf(offset, checkpoint, letters.get(ids[again.index]!))
      counts[fate]++
      if (fate === 'replayed') frames.push(retype(again.frame, batch.topic))
    }
    return frames
  }

  /** @returns the replay topic's end. */
  async #put(topic: string, frames: readonly Uint8Array[]): Promise<number> {
    if (frames.length === 0) return (await this.#stream.bounds(topic))[0]?.next ?? 0
    const batch = { topic, partition: 0, frames: Buffer.concat(frames), count: frames.length, ascii: false }
    const [appended] = await this.#stream.append([batch])
    return appended!.first + appended!.count
  }
}

/** Below the offset all is done or dead from where the group began, whether or not the trace remembers it. */
function fateOf(offset: number, { first, offset: committed }: Checkpoint, letter: 'done' | 'dead' | undefined): Fate {
  if (letter !== undefined) return letter
  if (offset >= committed) return 'ahead'
  return offset >= first ? 'done' : 'replayed'
}

function readerIn(places: readonly Place[], agent: AgentVersion, { topic, partition }: TopicPartition): Reader {
  const next = new Map(places.flatMap(place => (place.replacedBy === undefined ? [] : [[place.group, place.replacedBy]])))
  let group = groupName(agent)
  for (let after = next.get(group); after !== undefined; after = next.get(group)) group = after
  const line = [...next.keys()].filter(candidate => reaches(next, candidate, group)).map(name => agentOf(name).version)
  const place = places.find(at => at.group === group && at.topic === topic && at.partition === partition)
  if (place === undefined) throw unknownReader(group, { topic, partition })
  return { agent: agentOf(group), line, checkpoint: place.checkpoint }
}

function reaches(next: ReadonlyMap<string, string>, from: string, to: string): boolean {
  const after = next.get(from)
  return after !== undefined && (after === to || reaches(next, after, to))
}

function clamp(offset: number, least: number, most: number): number {
  return Math.min(Math.max(offset, least), most)
}
