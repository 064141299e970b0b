import {
  type DeadLetter,
  type DeadLetters,
  isReplayTopic,
  type LetterCount,
  type LetterFilter,
  replayTopic,
  replayTopicSpec,
  type StoredLetter,
} from '../../agents/dead-letter.ts'
import type { Clock } from '../../clock.ts'
import type { DataId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { retype } from '../../envelope/retype.ts'
import { knownRange } from '../../stream/known-range.ts'
import { notesBatch } from '../../stream/notes.ts'
import type { AppendBatch, GroupedStream, Place } from '../../stream/stream.ts'
import type { AgentVersion } from '../../trace/trace.ts'
import { agentOf, groupName } from '../engine.ts'
import { LETTERS } from './internal-topics.ts'
import { type LetterEvent, LetterFold, type Replayed } from './letter-fold.ts'

const READ_BYTES = 4 * 1024 * 1024
/** Of replayed data, in one append. */
const APPEND_BYTES = 1_000_000
const PLACE = { topic: LETTERS.name, partition: 0 }

/** A letter of another engine, with its datum as it died, and as it was changed since. */
export interface BroughtLetter extends StoredLetter, Pick<DeadLetter, 'frame'> {
  readonly editedFrame?: Uint8Array
}

/** The dead letters of a pipeline: their events in a topic of their own, folded as far as the topic goes whenever somebody asks. */
export class LetterLog implements DeadLetters {
  readonly #stream: GroupedStream
  readonly #clock: Clock
  readonly #fold = new LetterFold()
  #next = 0
  #exists = false
  /** One question at a time: what is decided from the fold must still be so when it is written. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(stream: GroupedStream, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  /** The events of letters that a unit of work buries, to be appended with its outputs. */
  buried(letters: readonly DeadLetter[], line: readonly number[]): AppendBatch[] {
    const events = letters.map(({ frame, ...letter }): LetterEvent => {
      const type = isReplayTopic(letter.topic) ? typeOf(frame) : letter.topic
      return { kind: 'dead', letter, type, line, frame: Buffer.from(retype(frame, type)).toString('base64') }
    })
    return events.length === 0 ? [] : [this.#batch(events)]
  }

  /** Letters that were buried elsewhere, as they stand there; their numbers are this log's. */
  brought(letters: readonly BroughtLetter[], lineOf: (agent: AgentVersion) => readonly number[]): AppendBatch {
    const events = letters.map(({ frame, editedFrame, letter: _, state, replays, replayedMs, edited, ...letter }): LetterEvent => {
      const type = isReplayTopic(letter.topic) && frame.length > 0 ? typeOf(frame) : letter.topic
      const changed = { ...(replayedMs === undefined ? {} : { replayedMs }), ...(edited === undefined ? {} : { edited }) }
      return {
        ...{ kind: 'dead', letter, type, line: lineOf(letter.agent), stands: { state, replays, ...changed } },
        // An expired letter has none.
        frame: frame.length === 0 ? '' : Buffer.from(retype(frame, type)).toString('base64'),
        ...(editedFrame === undefined ? {} : { edited: Buffer.from(retype(editedFrame, type)).toString('base64') }),
      }
    })
    return this.#batch(events)
  }

  /** The letters of these data are done: a replay has succeeded. */
  finished(agent: AgentVersion, line: readonly number[], dataIds: readonly string[]): AppendBatch {
    return this.#batch([{ kind: 'done', agent, line, dataIds }])
  }

  list(filter: LetterFilter): Promise<StoredLetter[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      return this.#fold.list(filter)
    })
  }

  counts(): Promise<LetterCount[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      return this.#fold.counts()
    })
  }

  frame(letter: number): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => {
      await this.#readOn()
      return this.#fold.get(letter)?.state === 'expired' ? undefined : this.#frameOf(letter)
    })
  }

  original(letter: number): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => {
      await this.#readOn()
      return this.#fold.get(letter)?.state === 'expired' ? undefined : this.#original(letter)
    })
  }

  /** Where the datum that was replayed at a position died first; undefined where no letter is known. */
  origin(agent: AgentVersion, line: readonly number[], dataId: DataId, at: Pick<Replayed, 'topic' | 'offset'>) {
    return this.#inTurn(async () => {
      await this.#readOn()
      return this.#fold.origin(agent, line, dataId, at)
    })
  }

  /** Of these data, those that are letters of the agent: done by a replay, or not. */
  statesOf(agent: AgentVersion, line: readonly number[], dataIds: readonly DataId[]): Promise<ReadonlyMap<DataId, 'done' | 'dead'>> {
    return this.#inTurn(async () => {
      await this.#readOn()
      const states = dataIds.map(dataId => [dataId, this.#fold.stateOf(agent, line, dataId)] as const)
      return new Map(states.flatMap(([dataId, state]) => (state === undefined ? [] : [[dataId, state === 'done' ? 'done' : 'dead']])))
    })
  }

  replay(letters: readonly number[], by: string): Promise<number[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      // They are listed newest first; data of one key are to come in their order again.
      const isDead = (letter: number) => this.#fold.get(letter)?.state === 'dead'
      const asked = [...new Set(letters)].sort((a, b) => a - b).filter(isDead)
      if (asked.length === 0) return []
      // Who edits one from here on is told that it is too late, so what is read below is what the agent gets.
      const begun = await this.#say({ kind: 'replaying', letters: asked, by, atMs: this.#clock.now() })
      const dead = asked.filter(isDead)
      if (dead.length === 0) return []
      const holders = holdersIn(await this.#stream.places())
      const specOf = (letter: number) => {
        const group = groupName(this.#fold.get(letter)!.agent)
        return replayTopicSpec(agentOf(holders.get(group) ?? group))
      }
      await this.#stream.ensure([...new Map(dead.map(specOf).map(spec => [spec.name, spec])).values()])
      let gathered: { readonly letter: number; readonly topic: string; readonly frame: Uint8Array }[] = []
      let bytes = 0
      for (const letter of dead) {
        const frame = await this.#frameOf(letter)
        if (frame === undefined) throw new TypeError(`The event of the dead letter ${letter} has no datum.`)
        gathered.push({ letter, topic: specOf(letter).name, frame })
        bytes += frame.length
        if (bytes < APPEND_BYTES && letter !== dead.at(-1)) continue
        await this.#put(gathered, begun, by)
        gathered = []
        bytes = 0
      }
      return dead
    })
  }

  /** First the data, then the note: cut off between the two they are replayed and still say dead, and to replay them again is harmless. */
  async #put(
    letters: readonly { readonly letter: number; readonly topic: string; readonly frame: Uint8Array }[],
    begun: number,
    by: string,
  ): Promise<void> {
    const byTopic = [...Map.groupBy(letters, ({ topic }) => topic)]
    const appended = await this.#stream.append(
      byTopic.map(([topic, of]) => {
        const frames = Buffer.concat(of.map(({ frame }) => frame))
        return { topic, partition: 0, frames, count: of.length, ascii: false }
      }),
    )
    const replayed = byTopic.flatMap(([topic, of], i) => of.map(({ letter }, n) => ({ letter, topic, offset: appended[i]!.first + n })))
    await this.#stream.append([this.#batch([{ kind: 'replayed', letters: replayed, begun, by, atMs: this.#clock.now() }])])
  }

  discard(letters: readonly number[], by: string): Promise<number[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      const taken = letters.filter(number => ['dead', 'replayed'].includes(this.#fold.get(number)?.state ?? ''))
      if (taken.length === 0) return []
      const at = await this.#say({ kind: 'discarded', letters: taken, by, atMs: this.#clock.now() })
      return taken.filter(letter => this.#fold.closedAt(letter) === at)
    })
  }

  edit(letter: number, frame: Uint8Array, by: string): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      if (!this.#fold.mayEdit(letter)) return false
      const at = await this.#say({ kind: 'edited', letter, frame: Buffer.from(frame).toString('base64'), by, atMs: this.#clock.now() })
      return this.#fold.editedAt(letter) === at
    })
  }

  expire(letters: readonly number[], diedBeforeMs: number): Promise<number[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      const taken = letters.filter(letter => this.#fold.mayExpire(letter, diedBeforeMs))
      if (taken.length === 0) return []
      const at = await this.#say({ kind: 'expired', letters: taken, diedBeforeMs, atMs: this.#clock.now() })
      return taken.filter(letter => this.#fold.closedAt(letter) === at)
    })
  }

  /** Writes an event and folds on past it: somebody else may have said something before, after which it counts for nothing. @returns its offset. */
  async #say(event: LetterEvent): Promise<number> {
    const [appended] = await this.#stream.append([this.#batch([event])])
    await this.#readOn()
    return appended!.first
  }

  #batch(events: readonly LetterEvent[]): AppendBatch {
    const notes = events.map(event => ({ key: '', data: JSON.stringify(event) }))
    return notesBatch(LETTERS.name, 0, notes, this.#clock.now())
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Where the events end; 0 before anything ran, when there is no such topic. */
  async #end(): Promise<number> {
    this.#exists ||= (await this.#stream.topics()).some(({ name }) => name === LETTERS.name)
    return this.#exists ? ((await this.#stream.bounds(LETTERS.name))[0]?.next ?? 0) : 0
  }

  /** As it was edited last, else as it died. */
  async #frameOf(letter: number): Promise<Uint8Array | undefined> {
    const editedAt = this.#fold.editedAt(letter)
    if (editedAt === undefined) return this.#original(letter)
    const event = await this.#eventAt(editedAt)
    const frame = event?.kind === 'edited' ? event.frame : event?.kind === 'dead' ? event.edited : undefined
    return frame === undefined ? undefined : Buffer.from(frame, 'base64')
  }

  async #original(letter: number): Promise<Uint8Array | undefined> {
    if (this.#fold.get(letter) === undefined) return undefined
    const event = await this.#eventAt(letter - 1)
    return event?.kind === 'dead' ? Buffer.from(event.frame, 'base64') : undefined
  }

  async #eventAt(offset: number): Promise<LetterEvent | undefined> {
    for await (const batch of knownRange(this.#stream, PLACE, { first: offset, end: offset + 1 }, { readBytes: 1 })) {
      const cursor = new FrameCursor(batch.frames)
      return cursor.next() && !cursor.isVoid ? eventOf(cursor) : undefined
    }
    return undefined
  }

  async #readOn(): Promise<void> {
    const range = { first: this.#next, end: await this.#end() }
    for await (const batch of knownRange(this.#stream, PLACE, range, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) if (!cursor.isVoid) this.#fold.apply(eventOf(cursor), batch.first + cursor.index)
      this.#next = batch.first + batch.count
    }
  }

  /** Folds all there is, and returns what was replayed and is passed over. */
  async #catchUp(): Promise<void> {
    await this.#readOn()
    if (!this.#fold.waits) return
    const places = await this.#stream.places()
    // What became of a datum is written before its place is passed: read after the places, it is known here.
    await this.#readOn()
    this.#fold.returnBelow(replayPlaces(places))
  }
}

/** Groups whose place another has, and who has it now. */
function holdersIn(places: readonly Place[]): ReadonlyMap<string, string> {
  const next = new Map(places.flatMap(place => (place.replacedBy === undefined ? [] : [[place.group, place.replacedBy]])))
  const last = (group: string): string => {
    const after = next.get(group)
    return after === undefined ? group : last(after)
  }
  return new Map([...next.keys()].map(group => [group, last(group)]))
}

/** How far each replay topic is read by the agent that it belongs to. That of a version that was replaced waits for nobody. */
function replayPlaces(places: readonly Place[]): ReadonlyMap<string, number> {
  const read = new Map<string, number>()
  for (const { group, topic, checkpoint, replacedBy } of places) {
    const own = replayTopic(agentOf(group))
    if (replacedBy !== undefined) read.set(own, Number.POSITIVE_INFINITY)
    else if (topic === own) read.set(own, checkpoint.offset)
  }
  return read
}

function typeOf(frame: Uint8Array): string {
  const cursor = new FrameCursor(frame)
  cursor.next()
  return cursor.type
}

function eventOf(cursor: FrameCursor): LetterEvent {
  // Only #batch() writes these.
  return JSON.parse(cursor.dataText) as LetterEvent
}
