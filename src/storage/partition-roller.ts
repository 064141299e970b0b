import type { RunContext } from '../agents/running.ts'
import { failpoint } from '../engine/failpoint.ts'
import { ID_BYTES } from '../envelope/data-id.ts'
import type { WorkFact } from '../instrumentation/recorder.ts'
import { Ages } from '../objectives/ages.ts'
import type { Ending } from '../objectives/way.ts'
import type { Assigned, Checkpoint, Lease, TopicPartition } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import type { AgentVersion, Range } from '../trace/trace.ts'
import { aged } from './aged.ts'
import { Arrivals, type Arrived } from './arrivals.ts'
import { Distinct } from './distinct.ts'
import { ExactRange } from './exact-range.ts'
import { finishedFrom } from './finished.ts'
import { lettersOf } from './letters.ts'
import type { Roll, RollingWriter, RollPolicy, Written } from './storage.ts'
import type { StorePatience } from './store-patience.ts'
import type { Turns } from './turns.ts'

/** What the partitions of one lease share. */
export interface Rolling {
  readonly agent: AgentVersion
  readonly context: RunContext
  readonly lease: Lease
  readonly policy: RollPolicy
  readonly writer: RollingWriter
  /** See {@link Roll.writer}. */
  readonly writerName: string
  readonly types: ReadonlyMap<string, Topic>
  readonly turns: Turns
  readonly patience: StorePatience
  /** Aborts when nothing more may be done under this lease. */
  readonly signal: AbortSignal
}

/** What one roll came to. */
interface Rolled {
  readonly range: Range
  /** What of it is stored, the ids at these positions where the stream may hold copies, and how many of those were left out. */
  readonly taken: readonly Range[]
  readonly ids: Uint8Array
  readonly copies: number
  readonly written: Written
  /** When what is stored was accepted, where an objective's path ends here. */
  readonly ages: Ages | undefined
  readonly queueMs: number
  readonly handlerMs: number
  readonly claimedMs: number
}

/**
 * One partition of a storage agent, for one lease. Its state is its checkpoint:
 *
 * - without intent: data gather in the stream. What the last roll did is settled.
 * - with intent {first, end}: exactly these are being written. Whoever has the lease finishes that before anything else, so that
 *   every attempt writes the same files, however the clock or the policy would cut now.
 *
 * `#commit` is the only setter, and what it sets is durable first.
 */
export class PartitionRoller {
  readonly #rolling: Rolling
  readonly #place: TopicPartition
  readonly #topic: Topic
  readonly #arrivals: Arrivals
  /** The objectives whose data come to their end here. */
  readonly #endings: readonly Ending[]
  #checkpoint: Checkpoint
  #stopping = false

  constructor(rolling: Rolling, topic: Topic, { topic: name, partition, checkpoint }: Assigned) {
    this.#rolling = rolling
    this.#topic = topic
    this.#place = { topic: name, partition }
    const { context, agent } = rolling
    this.#endings = (context.endings?.get(`${agent.name}@${agent.version}`) ?? []).filter(({ topics }) => topics.has(name))
    this.#checkpoint = checkpoint
    this.#arrivals = new Arrivals(rolling.lease, this.#place, checkpoint.intent?.end ?? checkpoint.offset, rolling.context.clock)
  }

  /** Gathers and rolls until the lease ends or {@link stop}. @throws LEASE_LOST, and what nobody here can mend. */
  async run(): Promise<void> {
    const { context } = this.#rolling
    const open = this.#checkpoint.intent
    if (open !== undefined) await this.#roll(open, undefined, true)
    if (context.engine.capabilities.holdsCopies) await this.#passFinished()
    while (!this.#stopping) {
      const gathered = await this.#gather()
      if (gathered === undefined) return
      const range = { first: gathered.first, end: gathered.end }
      await this.#commit({ ...this.#checkpoint, intent: range })
      failpoint('after-intent')
      await this.#roll(range, gathered, false)
    }
  }

  /** No roll begins after this; one that has begun goes on. What has gathered stays in the stream, where it is safe. */
  stop(): void {
    this.#stopping = true
    this.#arrivals.close()
  }

  /** A place that was set back goes on where it has been before: what is stored already is not stored again. */
  async #passFinished(): Promise<void> {
    const { context, agent } = this.#rolling
    while (!this.#stopping) {
      const before = this.#checkpoint
      const found = await finishedFrom(context.engine, agent, this.#place, before.offset, context.clock.now())
      if (found === undefined) return
      const { end, done, dead, duplicate } = found
      const counts = { done: before.done + done, dead: before.dead + dead, duplicate: before.duplicate + duplicate }
      await this.#commit({ ...before, ...counts, offset: end })
      this.#arrivals.passTo(end)
      this.#record({ done, dead, duplicate, lost: 0, queueMs: 0, handlerMs: 0, commitMs: 0 })
    }
  }

  /** Waits until the policy asks for a roll. Undefined when the lease ends or this stops first. */
  async #gather(): Promise<Arrived | undefined> {
    const { policy } = this.#rolling
    let range: Arrived | undefined
    let backlogEnd: number | undefined
    for (;;) {
      if (range !== undefined && backlogEnd !== undefined && range.end >= backlogEnd) return range
      const dueMs = range === undefined || backlogEnd !== undefined ? undefined : range.appendedMs + policy.ageMs
      const next = await this.#arrivals.next(dueMs)
      if (next === undefined) return undefined
      if (next === 'due') {
        // After an outage everything is old: what is there by now goes into the same files, not into one small file for each fetch.
        backlogEnd = await this.#end()
        continue
      }
      if (range === undefined) {
        if (next.first > this.#checkpoint.offset) await this.#lose(next.first)
        if (next.end > next.first) range = next
      } else if (next.first !== range.end) {
        // Retention has passed all that was gathered: settle that first, then count what lies between as lost.
        this.#arrivals.unread(next)
        return range
      } else range = { ...range, end: next.end, bytes: range.bytes + next.bytes }
      if (range === undefined) continue

      const most = range.first + policy.records
      if (range.end >= most) return this.#cutAt(range, most)
      if (range.bytes >= policy.bytes) return range
    }
  }

  /** The next offset that the partition will give. */
  async #end(): Promise<number> {
    const { topic, partition } = this.#place
    const bounds = await this.#rolling.context.engine.bounds(topic)
    return bounds[partition]?.next ?? 0
  }

  #cutAt(range: Arrived, end: number): Arrived {
    if (range.end === end) return range
    // The bytes of the rest are in proportion: they only decide when the next roll is due.
    const kept = Math.round((range.bytes * (end - range.first)) / (range.end - range.first))
    this.#arrivals.unread({ first: end, end: range.end, bytes: range.bytes - kept, appendedMs: range.appendedMs })
    return { ...range, end, bytes: kept }
  }

  /** Retention has taken what was never stored (I7): counted, as soon as it is seen. */
  async #lose(first: number): Promise<void> {
    const lost = first - this.#checkpoint.offset
    await this.#commit({ ...this.#checkpoint, offset: first, lost: this.#checkpoint.lost + lost })
    this.#record({ done: 0, dead: 0, duplicate: 0, lost, queueMs: 0, handlerMs: 0, commitMs: 0 })
  }

  async #roll(range: Range, gathered: Arrived | undefined, found: boolean): Promise<void> {
    const { context, writer, turns, patience, signal } = this.#rolling
    const claimedMs = context.clock.now()
    let attempts = 0
    const rolled = await patience.until(() => {
      // An attempt that failed may have left files, as one of another process may.
      const resumed = found || attempts > 0
      attempts++
      return turns.take(async (): Promise<Rolled> => {
        const startedMs = context.clock.now()
        const data = this.#dataOf(range, claimedMs)
        const isEnd = this.#endings.length > 0
        const ages = isEnd ? new Ages() : undefined
        const isFirst = this.#endings.every(({ slo }) => slo.from === this.#place.topic)
        const batches = ages === undefined ? data.batches : aged(data.batches, ages, isFirst)
        const written = await writer.write(this.#describe(range, resumed), batches, signal)
        const handlerMs = context.clock.now() - startedMs
        const queueMs = gathered === undefined ? 0 : Math.max(0, claimedMs - gathered.appendedMs)
        return { range, ...data.chosen(), written, ages, queueMs, handlerMs, claimedMs }
      }, signal)
    }, signal)
    failpoint('after-roll')
    await this.#settle(rolled)
  }

  /** What is to be written of a range, and what of it that was, once it is. */
  #dataOf(range: Range, claimedMs: number) {
    const { context, agent } = this.#rolling
    const exact = new ExactRange(context.engine, this.#place, range)
    if (!context.engine.capabilities.holdsCopies)
      return { batches: exact, chosen: () => ({ taken: exact.present, ids: NO_IDS, copies: 0 }) }
    const distinct = new Distinct(context.engine, agent, exact, claimedMs)
    return { batches: distinct, chosen: () => ({ taken: distinct.taken, ids: distinct.ids.bytes, copies: distinct.copies }) }
  }

  /** Marks, dead letters and the place in the stream move as one. */
  async #settle({ range, taken, ids, copies, written, ages, queueMs, handlerMs, claimedMs }: Rolled): Promise<void> {
    const { context, agent, lease, patience, signal } = this.#rolling
    const { engine, clock } = context
    const finishedMs = clock.now()
    const unstorable = [...written.unstorable].sort((a, b) => a.offset - b.offset)
    const letters = await lettersOf(engine, agent, this.#place, unstorable, finishedMs)
    // What retention took before its letter was written has none, and without one it is not dead (I6): it is lost.
    const kept = new Set(letters.map(letter => letter.offset))
    const dead = unstorable.filter(({ offset }) => kept.has(offset))
    const there = taken.reduce((sum, { first, end }) => sum + end - first, 0) - (unstorable.length - dead.length)
    const done = there - dead.length
    const lost = range.end - this.#checkpoint.offset - there - copies
    const { intent: _, ...before } = this.#checkpoint
    const after: Checkpoint = {
      ...before,
      offset: range.end,
      done: before.done + done,
      dead: before.dead + dead.length,
      duplicate: before.duplicate + copies,
      lost: before.lost + lost,
    }
    const marks = {
      ...this.#place,
      done: without(
        taken,
        unstorable.map(({ offset }) => offset),
      ),
      dead,
      claimedMs,
      finishedMs,
      attempts: [],
      ids: idsInOrder(taken, ids, unstorable, kept),
    }
    const unit = {
      lease,
      agent,
      outputs: [],
      letters,
      marks: [marks],
      cache: [],
      snapshots: [],
      checkpoints: [{ ...this.#place, from: before.offset, checkpoint: after }],
    }
    await patience.until(() => engine.commit(unit), signal)
    this.#checkpoint = after
    const nowMs = clock.now()
    this.#record({ done, dead: dead.length, duplicate: copies, lost, queueMs, handlerMs, commitMs: nowMs - finishedMs })
    if (ages !== undefined) context.recorder.arrived?.(this.#endings.map(({ slo }) => ages.measure(slo, nowMs)))
  }

  async #commit(checkpoint: Checkpoint): Promise<void> {
    const { lease, patience, signal } = this.#rolling
    await patience.until(() => lease.commit([{ ...this.#place, from: this.#checkpoint.offset, checkpoint }]), signal)
    this.#checkpoint = checkpoint
  }

  #describe(range: Range, resumed: boolean): Roll {
    const { types, writerName } = this.#rolling
    return { ...range, topic: this.#topic, types, partition: this.#place.partition, writer: writerName, resumed }
  }

  #record(fact: Pick<WorkFact, 'done' | 'dead' | 'duplicate' | 'lost' | 'queueMs' | 'handlerMs' | 'commitMs'>): void {
    const { agent, context } = this.#rolling
    context.recorder.work({
      agent: agent.name,
      version: agent.version,
      ...this.#place,
      retries: 0,
      outputs: 0,
      busyMs: fact.handlerMs,
      ...fact,
    })
  }
}

/** The ids of what is done, then of what is dead: those taken, the unstorable last, and without those that have no letter. */
function idsInOrder(taken: readonly Range[], ids: Uint8Array, unstorable: Written['unstorable'], letters: ReadonlySet<number>): Uint8Array {
  if (unstorable.length === 0 || ids.length === 0) return ids
  const bad = new Set(unstorable.map(({ offset }) => offset))
  const done: Uint8Array[] = []
  const dead: Uint8Array[] = []
  let index = 0
  for (const { first, end } of taken) {
    for (let offset = first; offset < end; offset++, index++) {
      const id = ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES)
      if (!bad.has(offset)) done.push(id)
      else if (letters.has(offset)) dead.push(id)
    }
  }
  return Buffer.concat([...done, ...dead])
}

const NO_IDS = new Uint8Array(0)

/** The ranges without these offsets, which rise. */
export function without(ranges: readonly Range[], offsets: readonly number[]): Range[] {
  const left: Range[] = []
  for (const range of ranges) {
    let first = range.first
    for (const offset of offsets) {
      if (offset < first || offset >= range.end) continue
      if (offset > first) left.push({ first, end: offset })
      first = offset + 1
    }
    if (first < range.end) left.push({ first, end: range.end })
  }
  return left
}
