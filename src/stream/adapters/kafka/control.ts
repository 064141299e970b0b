import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../clock.ts'
import { FrameCursor } from '../../../envelope/frame.ts'
import { MillraceError } from '../../../errors.ts'
import { notesBatch } from '../../notes.ts'
import type { AppendBatch, Appended, RecordBatch, TopicPartition, TopicSpec } from '../../stream.ts'
import { type Begun, BegunPlaces, nameOf } from './begun.ts'

export const CONTROL_SPEC: TopicSpec = { name: '_control', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }

/** A group that has been taken over. */
export interface Replaced {
  readonly old: string
  readonly by: string
  /** The edition that `by` goes on under. */
  readonly edition: number
}

/** What the control topic holds, as data like any other's. Of what can be there once, the first counts. */
type Event =
  | { readonly event: 'log'; readonly id: string }
  | {
      readonly event: 'topic'
      readonly name: string
      readonly partitions: number
      readonly retention_ms: number | null
      readonly retention_bytes?: number
      readonly compacted?: true
    }
  | ({ readonly event: 'replaced' } & Replaced)
  | ({ readonly event: 'begun' } & Begun)

export interface ControlLog {
  append(batches: readonly AppendBatch[]): Promise<Appended[]>
  read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch>
}

const READ_BYTES = 1024 * 1024

/**
 * What a pipeline's processes have to agree on and Kafka has no place for: the name of this log, which topics are the pipeline's, where
 * which group has begun, and which has taken over which. A topic of one partition that keeps everything; whoever needs to know reads on to its end.
 */
export class Control {
  readonly #log: ControlLog
  readonly #clock: Clock
  readonly #topics = new Map<string, TopicSpec>()
  readonly #replaced = new Map<string, Replaced>()
  /** Where groups have begun: that nothing is committed there any more does not make them new. */
  readonly begun = new BegunPlaces()
  #id = ''
  #next = 0
  #reading: Promise<void> = Promise.resolve()

  private constructor(log: ControlLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Of a topic that is there. */
  static async open(log: ControlLog, clock: Clock): Promise<Control> {
    const control = new Control(log, clock)
    await control.catchUp()
    if (control.#id === '') {
      await control.#write({ event: 'log', id: randomUUID() })
      await control.catchUp()
    }
    return control
  }

  /** Another one after the topics were deleted and made anew. */
  get id(): string {
    return this.#id
  }

  get topics(): readonly TopicSpec[] {
    return [...this.#topics.values()]
  }

  /** Who has taken over the place of a group. */
  replacedBy(group: string): Replaced | undefined {
    return this.#replaced.get(group)
  }

  /** Whose place a group has, the latest first. */
  line(group: string): Replaced[] {
    const line: Replaced[] = []
    for (let by = group; ; ) {
      const next = [...this.#replaced.values()].find(replaced => replaced.by === by)
      // A group cannot come before itself; were it written so, this must still end.
      if (next === undefined || line.includes(next)) return line
      line.push(next)
      by = next.old
    }
  }

  /** Reads what others have written. After it everything is known that was written before the call. */
  catchUp(): Promise<void> {
    const reading = this.#reading.then(() => this.#read())
    this.#reading = reading.catch(() => undefined)
    return reading
  }

  /** Notes topics as the pipeline's, where they are not noted as they are. */
  async addTopics(specs: readonly TopicSpec[]): Promise<void> {
    const fresh = specs.filter(spec => !sameSpec(this.#topics.get(spec.name), spec))
    if (fresh.length === 0) return
    await this.#write(...fresh.map(topicEvent))
    await this.catchUp()
  }

  /** Notes places that a group has committed in, where they are not noted yet. `partitions` is how many each of its topics has. */
  async addBegun(
    group: string,
    edition: number,
    places: readonly TopicPartition[],
    partitions: ReadonlyMap<string, number>,
  ): Promise<void> {
    const fresh = places.filter(place => !this.begun.has(group, place))
    if (fresh.length === 0) return
    const counts = fresh.flatMap(({ topic }) => (partitions.has(topic) ? [[topic, partitions.get(topic)!]] : []))
    await this.#write({ event: 'begun', group, places: fresh.map(nameOf), edition, partitions: Object.fromEntries(counts) })
    await this.catchUp()
  }

  /** Notes that a group is taken over. @returns who has it: another one, where that was quicker. */
  async replace(replaced: Replaced): Promise<Replaced> {
    await this.#write({ event: 'replaced', ...replaced })
    await this.catchUp()
    return this.#replaced.get(replaced.old) ?? replaced
  }

  async #read(): Promise<void> {
    for (;;) {
      const batch = await this.#log.read(CONTROL_SPEC.name, 0, this.#next, READ_BYTES)
      if (batch.count === 0) return
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        if (offset >= this.#next && !cursor.isVoid) this.#take(cursor, offset)
      }
      this.#next = batch.first + batch.count
    }
  }

  #take(cursor: FrameCursor, offset: number): void {
    const event = readEvent(cursor.dataText)
    if (event === undefined) {
      throw new MillraceError('LOG_CORRUPT', `The control topic has something at offset ${offset} that is none of its events.`, {
        fix: 'Nothing but Millrace may write to it: look at it with kafka-console-consumer. A newer Millrace may have written it: update this one.',
      })
    }
    if (event.event === 'log') this.#id ||= event.id
    else if (event.event === 'topic') this.#topics.set(event.name, specOf(event))
    else if (event.event === 'begun') this.begun.add(event)
    else if (!this.#replaced.has(event.old)) this.#replaced.set(event.old, { old: event.old, by: event.by, edition: event.edition })
  }

  async #write(...events: readonly Event[]): Promise<void> {
    const notes = events.map(event => ({ key: '', data: JSON.stringify(event) }))
    await this.#log.append([notesBatch(CONTROL_SPEC.name, 0, notes, this.#clock.now())])
  }
}

/** Undefined where the text is no event. Events of kinds to come are none: what they mean must not be passed over. */
function readEvent(text: string): Event | undefined {
  let event: Partial<Record<string, unknown>>
  try {
    event = JSON.parse(text)
  } catch {
    // The caller says where it lies.
    return undefined
  }
  const known =
    (event.event === 'log' && typeof event.id === 'string') ||
    (event.event === 'topic' && typeof event.name === 'string' && typeof event.partitions === 'number') ||
    (event.event === 'replaced' && typeof event.old === 'string' && typeof event.by === 'string' && typeof event.edition === 'number') ||
    (event.event === 'begun' && typeof event.group === 'string' && Array.isArray(event.places))
  // Its fields were looked at just now.
  return known ? (event as unknown as Event) : undefined
}

function topicEvent(spec: TopicSpec): Event {
  return {
    event: 'topic',
    name: spec.name,
    partitions: spec.partitions,
    // JSON has no Infinity.
    retention_ms: Number.isFinite(spec.retentionMs) ? spec.retentionMs : null,
    ...(spec.retentionBytes === undefined ? {} : { retention_bytes: spec.retentionBytes }),
    ...(spec.compacted === undefined ? {} : { compacted: spec.compacted }),
  }
}

function specOf(event: Extract<Event, { event: 'topic' }>): TopicSpec {
  return {
    name: event.name,
    partitions: event.partitions,
    retentionMs: event.retention_ms ?? Number.POSITIVE_INFINITY,
    ...(event.retention_bytes === undefined ? {} : { retentionBytes: event.retention_bytes }),
    ...(event.compacted === undefined ? {} : { compacted: event.compacted }),
  }
}

function sameSpec(one: TopicSpec | undefined, other: TopicSpec): boolean {
  return (
    one !== undefined &&
    one.partitions === other.partitions &&
    one.retentionMs === other.retentionMs &&
    one.retentionBytes === other.retentionBytes &&
    one.compacted === other.compacted
  )
}
