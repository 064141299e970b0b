import type { Chosen, PlaceRange } from '../../agents/replay-log.ts'
import { type EngineView, groupName } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { Checkpoint } from '../../stream/stream.ts'
import type { Range } from '../../trace/trace.ts'
import type { Replayable } from './agent.ts'
import { spansOf } from './spans.ts'

/** Of so many data from before the agent's beginning the trace is asked whether they are done. */
const ASKED = 1_000
const SHOWN = 3
const SPAN = 10_000
const SHOWN_CHARACTERS = 200

/** What a replay would do. */
export interface Plan {
  /** Data that are chosen. */
  readonly chosen: number
  /** Of them, those that the agent began behind: what is replayed, but for those that a replay has done already. */
  readonly before: number
  /** It has done them, or they are in its dead letters: left out. */
  readonly handled: number
  /** It comes to them by itself: left out. */
  readonly ahead: number
  /** Of the first of those before its beginning, how many the trace was asked about, and how many it knows to be done. */
  readonly asked: number
  readonly done: number
  readonly examples: readonly Example[]
}

export interface Example {
  readonly dataId: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly appendedMs: number
  readonly key: string
  /** The beginning of its data, as text. */
  readonly text: string
}

export async function planOf(view: EngineView, agent: Replayable, chosen: Chosen): Promise<Plan> {
  const counts = { chosen: 0, before: 0, handled: 0, ahead: 0 }
  const trial = new Trial(view, agent)
  for (const range of chosen.ranges) {
    const place = agent.places.find(({ topic, partition }) => topic === range.topic && partition === range.partition)
    if (place === undefined) continue
    for await (const { ranges } of spansOf(view, range, chosen.key, SPAN)) {
      for (const part of ranges) {
        const { before, handled, ahead } = shared(part, place.checkpoint)
        counts.chosen += part.end - part.first
        counts.before += before
        counts.handled += handled
        counts.ahead += ahead
        if (before > 0) await trial.ask(range, { first: part.first, end: part.first + before })
      }
    }
  }
  return { ...counts, asked: trial.asked, done: trial.done, examples: trial.examples }
}

/** How many of a range lie before the place's beginning, between that and its offset, and beyond. */
function shared({ first, end }: Range, checkpoint: Checkpoint): { before: number; handled: number; ahead: number } {
  const within = (from: number, to: number) => Math.max(0, Math.min(end, to) - Math.max(first, from))
  return {
    before: within(0, checkpoint.first),
    handled: within(checkpoint.first, checkpoint.offset),
    ahead: within(checkpoint.offset, Number.POSITIVE_INFINITY),
  }
}

/** Looks at the first of the data that would be replayed. */
class Trial {
  asked = 0
  done = 0
  readonly examples: Example[] = []
  readonly #view: EngineView
  readonly #groups: ReadonlySet<string>

  constructor(view: EngineView, { agent, line }: Replayable) {
    this.#view = view
    this.#groups = new Set([agent.version, ...line].map(version => groupName({ name: agent.name, version })))
  }

  async ask(place: PlaceRange, range: Range): Promise<void> {
    if (this.asked >= ASKED) return
    const end = Math.min(range.end, range.first + ASKED - this.asked)
    for await (const batch of knownRange(this.#view, place, { first: range.first, end }, { readBytes: 1 })) {
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        if (cursor.isVoid) continue
        const at = { topic: place.topic, partition: place.partition, offset: batch.first + cursor.index }
        const record = await this.#view.find(cursor.dataId, at)
        this.asked++
        if (record?.marks.some(mark => mark.state === 'done' && this.#groups.has(groupName(mark)))) this.done++
        else if (this.examples.length < SHOWN) this.examples.push(exampleOf(cursor, at, batch.appendedMs))
      }
    }
  }
}

function exampleOf(cursor: FrameCursor, at: Pick<Example, 'topic' | 'partition' | 'offset'>, appendedMs: number): Example {
  const text = cursor.data.subarray(0, SHOWN_CHARACTERS).toString('utf8')
  return { dataId: cursor.dataId, ...at, appendedMs, key: cursor.key, text: cursor.data.length > SHOWN_CHARACTERS ? `${text}…` : text }
}
