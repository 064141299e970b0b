import {
  type DeadLetter,
  type DeadLetters,
  isReplayTopic,
  type LetterFilter,
  replayTopicSpec,
  type StoredLetter,
} from '../../agents/dead-letter.ts'
import type { Clock } from '../../clock.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { retype } from '../../envelope/retype.ts'
import type { AppendBatch, GroupedStream } from '../../stream/stream.ts'
import type { AgentVersion } from '../../trace/trace.ts'
import { agentOf, groupName } from '../engine.ts'
import { LETTERS } from './internal-topics.ts'
import { type LetterEvent, LetterFold } from './letter-fold.ts'
import { notesBatch } from './note-frame.ts'

const READ_BYTES = 4 * 1024 * 1024

/** The dead letters of a pipeline: their events in a topic of their own, folded as far as the topic goes whenever somebody asks. */
export class LetterLog implements DeadLetters {
  readonly #stream: GroupedStream
  readonly #clock: Clock
  readonly #fold = new LetterFold()
  #next = 0
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
  brought(letters: readonly (StoredLetter & Pick<DeadLetter, 'frame'>)[], lineOf: (agent: AgentVersion) => readonly number[]): AppendBatch {
    const events = letters.map(({ frame, letter: _, state, replays, replayedMs, ...letter }): LetterEvent => {
      const type = isReplayTopic(letter.topic) ? typeOf(frame) : letter.topic
      const stands = { state, replays, ...(replayedMs === undefined ? {} : { replayedMs }) }
      return { kind: 'dead', letter, type, line: lineOf(letter.agent), frame: Buffer.from(retype(frame, type)).toString('base64'), stands }
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

  async frame(letter: number): Promise<Uint8Array | undefined> {
    if (!(await this.#exists())) return undefined
    const batch = await this.#stream.read(LETTERS.name, 0, letter - 1, 1)
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (batch.first + cursor.index !== letter - 1) continue
      const event = eventOf(cursor)
      return event.kind === 'dead' ? Buffer.from(event.frame, 'base64') : undefined
    }
    return undefined
  }

  replay(letters: readonly number[], by: string): Promise<number[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      const holders = await this.#holders()
      const taken: number[] = []
      for (const number of letters) {
        const letter = this.#fold.get(number)
        // One that waits in the replay topic of a version that was replaced waits for nobody.
        const isStranded = letter?.state === 'replayed' && holders.has(groupName(letter.agent))
        const frame = letter?.state === 'dead' || isStranded ? await this.frame(number) : undefined
        if (letter === undefined || frame === undefined) continue
        const holder = agentOf(holders.get(groupName(letter.agent)) ?? groupName(letter.agent))
        const topic = replayTopicSpec(holder)
        await this.#stream.ensure([topic])
        // First the datum, then the note: cut off between the two it is replayed and still says dead, and to replay it again is harmless.
        await this.#stream.append([{ topic: topic.name, partition: 0, frames: frame, count: 1, ascii: false }])
        taken.push(number)
      }
      if (taken.length > 0) await this.#stream.append([this.#batch([{ kind: 'replayed', letters: taken, by, atMs: this.#clock.now() }])])
      return taken
    })
  }

  discard(letters: readonly number[], by: string): Promise<number[]> {
    return this.#inTurn(async () => {
      await this.#catchUp()
      const taken = letters.filter(number => ['dead', 'replayed'].includes(this.#fold.get(number)?.state ?? ''))
      if (taken.length > 0) await this.#stream.append([this.#batch([{ kind: 'discarded', letters: taken, by, atMs: this.#clock.now() }])])
      return taken
    })
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

  /** Before anything ran there is no such topic. */
  async #exists(): Promise<boolean> {
    return (await this.#stream.topics()).some(({ name }) => name === LETTERS.name)
  }

  async #catchUp(): Promise<void> {
    if (!(await this.#exists())) return
    for (;;) {
      const batch = await this.#stream.read(LETTERS.name, 0, this.#next, READ_BYTES)
      if (batch.count === 0) return
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        if (offset >= this.#next && !cursor.isVoid) this.#fold.apply(eventOf(cursor), offset)
      }
      this.#next = batch.first + batch.count
    }
  }

  /** Groups whose place another has, and who has it now. */
  async #holders(): Promise<ReadonlyMap<string, string>> {
    const next = new Map(
      (await this.#stream.places()).flatMap(place => (place.replacedBy === undefined ? [] : [[place.group, place.replacedBy]])),
    )
    const last = (group: string): string => {
      const after = next.get(group)
      return after === undefined ? group : last(after)
    }
    return new Map([...next.keys()].map(group => [group, last(group)]))
  }
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
