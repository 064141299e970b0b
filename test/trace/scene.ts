import type { DeadLetter } from '../../src/agents/dead-letter.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import { type CacheWrite, type Engine, groupName } from '../../src/engine/engine.ts'
import { type DataId, Deriver, formatId, mint, parseId } from '../../src/envelope/data-id.ts'
import { FrameCursor, FrameWriter } from '../../src/envelope/frame.ts'
import type { AppendBatch, Assigned, Lease, Moved, RecordBatch } from '../../src/stream/stream.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { type AgentVersion, DEAD, DONE, FRESH, type MarkBatch } from '../../src/trace/trace.ts'

/** A datum as an agent of the scene gets it. */
export interface Seen {
  readonly dataId: DataId
  readonly key: string
  readonly data: string
}

/** An output of an agent of the scene. Without `parents`, the datum handled is the only one. */
export interface Made {
  readonly topic: string
  readonly data: string
  readonly key?: string
  readonly parents?: readonly DataId[]
}

interface WorkOptions {
  /** For each batch. */
  readonly tookMs?: number
  readonly replaces?: string
  /** Data of each partition, at most. */
  readonly most?: number
  /** Entries written to caches with the batch. */
  readonly cache?: readonly Pick<CacheWrite, 'cache' | 'key' | 'value'>[]
}

type Handle = (datum: Seen) => readonly Made[] | Error

/** The real engine in memory, time that stands still, and agents that are moved by hand, so that every moment of a datum's life can be looked at. */
export class Scene implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly engine: Engine

  private constructor(clock: VirtualClock, engine: Engine) {
    this.clock = clock
    this.engine = engine
  }

  /** With topics of one partition, named. */
  static async open(...topics: string[]): Promise<Scene> {
    const clock = new VirtualClock()
    const engine = await openInMemory({ clock: clock.background })
    await engine.ensure(topics.map(name => ({ name, partitions: 1, retentionMs: 3_600_000 })))
    return new Scene(clock, engine)
  }

  /** Appends data of one key, as a producer would. */
  async send(topic: string, key: string, ...data: string[]): Promise<DataId[]> {
    const writer = new FrameWriter()
    const ids = data.map(text => {
      const id = mint(this.clock.now())
      writer.add({ ...frame(id, 'meter-7', this.clock.now(), key, text), parents: new Uint8Array() })
      return id
    })
    await this.engine.append([{ topic, partition: 0, ...writer.take() }])
    return ids
  }

  /** Lets an agent work off everything there is in its topics, a batch at a time, `tookMs` for each. */
  async work(agent: AgentVersion, topics: string[], handle: Handle, options: WorkOptions = {}): Promise<void> {
    await this.#withLease(agent, topics, options.replaces, async lease => {
      for (const place of lease.partitions) await this.#workPlace(agent, lease, place, handle, options)
    })
  }

  /** Lets an agent claim what there is and die. */
  async claimAndDie(agent: AgentVersion, topics: string[]): Promise<void> {
    await this.#withLease(agent, topics, undefined, async lease => {
      for (const place of lease.partitions) {
        const batch = await this.engine.read(place.topic, place.partition, place.checkpoint.offset, 1_000_000)
        if (batch.count > 0) await this.engine.claim(agent, batch, place.checkpoint.offset, this.clock.now())
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close()
  }

  async #withLease(
    agent: AgentVersion,
    topics: string[],
    replaces: string | undefined,
    use: (lease: Lease) => Promise<void>,
  ): Promise<void> {
    const group = { name: groupName(agent), edition: agent.version, ...(replaces === undefined ? {} : { replaces }) }
    const subscription = this.engine.subscribe(group, topics, 'earliest')
    for await (const lease of subscription) {
      await use(lease)
      break
    }
    await subscription.close()
  }

  async #workPlace(
    agent: AgentVersion,
    lease: Lease,
    place: Assigned,
    handle: Handle,
    { tookMs = 5, most = Number.MAX_SAFE_INTEGER, cache = [] }: WorkOptions,
  ): Promise<void> {
    let { checkpoint } = place
    const from = checkpoint.offset
    const batch = firstOf(await this.engine.read(place.topic, place.partition, from, 1_000_000), from + most)
    if (batch.count === 0) return
    const claimedMs = this.clock.now()
    const states = await this.engine.claim(agent, batch, from, claimedMs)
    const unit = new Unit(this.clock.now(), agent)
    const end = batch.first + batch.count
    const cursor = new FrameCursor(batch.frames)
    let [done, dead, duplicate] = [0, 0, 0]
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      if (offset < from) continue
      const state = states[offset - from] ?? FRESH
      if (state === DONE || (state === DEAD && !place.topic.startsWith('_replay.'))) duplicate++
      else if (unit.handle(cursor, place, offset, handle)) done++
      else dead++
    }
    await this.clock.advance(tookMs)
    checkpoint = {
      ...checkpoint,
      offset: end,
      done: checkpoint.done + done,
      dead: checkpoint.dead + dead,
      duplicate: checkpoint.duplicate + duplicate,
    }
    const moved: Moved = { topic: place.topic, partition: place.partition, from, checkpoint }
    await this.engine.commit({
      lease,
      agent,
      outputs: unit.outputs(),
      letters: unit.letters,
      marks: [unit.marks(place, claimedMs, this.clock.now())],
      cache: cache.map(entry => ({ ...entry, topic: place.topic, partition: place.partition, offset: end })),
      snapshots: [],
      checkpoints: [moved],
    })
  }
}

/** What one agent made of one batch. */
class Unit {
  readonly letters: DeadLetter[] = []
  readonly #done: { first: number; end: number }[] = []
  readonly #writers = new Map<string, FrameWriter>()
  readonly #nowMs: number
  readonly #agent: AgentVersion

  constructor(nowMs: number, agent: AgentVersion) {
    this.#nowMs = nowMs
    this.#agent = agent
  }

  handle(cursor: FrameCursor, place: Assigned, offset: number, handle: Handle): boolean {
    const dataId = cursor.dataId
    const made = handle({ dataId, key: cursor.key, data: cursor.data.toString() })
    if (made instanceof Error) {
      const { name, message } = made
      this.letters.push({
        agent: this.#agent,
        topic: place.topic,
        partition: place.partition,
        offset,
        dataId,
        error: { name, message },
        attempts: 5,
        atMs: this.#nowMs,
        frame: new Uint8Array(cursor.frame),
      })
      return false
    }
    this.#done.push({ first: offset, end: offset + 1 })
    for (const [index, output] of made.entries()) {
      const id = new Uint8Array(16)
      new Deriver(this.#agent.name, this.#agent.version, output.topic).into(id, 0, cursor.bytes, cursor.idAt, index)
      const writer = this.#writers.get(output.topic) ?? new FrameWriter()
      this.#writers.set(output.topic, writer)
      const parents = Buffer.concat((output.parents ?? [dataId]).map(parseId))
      writer.add({ ...frame(formatId(id, 0), groupName(this.#agent), this.#nowMs, output.key ?? cursor.key, output.data), parents })
    }
    return true
  }

  outputs(): AppendBatch[] {
    return [...this.#writers].map(([topic, writer]) => ({ topic, partition: 0, ...writer.take() }))
  }

  marks(place: Assigned, claimedMs: number, finishedMs: number): MarkBatch {
    const dead = this.letters.map(({ offset, error }) => ({ offset, reason: `${error.name}: ${error.message}` }))
    const attempts = this.letters.map(({ offset, attempts }) => ({ offset, attempts }))
    return { topic: place.topic, partition: place.partition, done: this.#done, dead, claimedMs, finishedMs, attempts, ids: NO_IDS }
  }
}

/** The embedded trace goes by position. */
const NO_IDS = new Uint8Array(0)

/** The data of a batch that lie below `end`. */
function firstOf(batch: RecordBatch, end: number): RecordBatch {
  const cursor = new FrameCursor(batch.frames)
  let bytes = 0
  let count = 0
  for (; cursor.next() && batch.first + count < end; count++) bytes = cursor.end
  return { ...batch, count, frames: batch.frames.subarray(0, bytes) }
}

function frame(id: DataId, source: string, createdMs: number, key: string, data: string) {
  return {
    id: parseId(id),
    idAt: 0,
    supplied: false,
    source: Buffer.from(source),
    createdMs,
    contentType: 'application/json',
    type: '',
    key,
    data,
  }
}
