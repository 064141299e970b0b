import { failpoint } from '../engine/failpoint.ts'
import { formatId } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { fromPortable } from '../errors.ts'
import { type ArrivalLog, arrivalLog } from './arrivals.ts'
import { CheckpointTracker, type Outcome } from './checkpoint-tracker.ts'
import { CommitQueue } from './commit-queue.ts'
import type { Decoded } from './decode.ts'
import { FoldSnapshots } from './fold-snapshots.ts'
import { Handling } from './handling.ts'
import { Intake } from './intake.ts'
import { JournalQueue } from './journal-queue.ts'
import { letterOf } from './letter.ts'
import { Outputs, type Staged } from './outputs.ts'
import type { PartitionWork } from './partition-work.ts'
import { type Past, placeName } from './source.ts'
import { Task } from './task.ts'
import { Unit } from './unit.ts'
import { Wake } from './wake.ts'
import { workFacts } from './work-facts.ts'

const MAX_UNIT_DATA = 2_000
/** Of outputs and dead letters: video frames fill a unit long before their number does. */
const MAX_UNIT_BYTES = 4 * 1024 * 1024
/** A unit is committed after so long at the latest, so that what is done with slow handlers is soon to be seen. */
const MAX_UNIT_MS = 50
/** How far an unordered agent goes on past a datum that waits to be tried again. */
const MAX_BEYOND_DATA = 10_000

/** One partition's data, from the log through the handler to the commit, as long as the lease lasts. */
export class PartitionRun {
  readonly #work: PartitionWork
  readonly #wake = new Wake()
  readonly #tracker: CheckpointTracker
  readonly #outputs: Outputs
  readonly #arrivals: ArrivalLog | undefined
  readonly #intake: Intake
  readonly #handling: Handling
  readonly #commits: CommitQueue
  readonly #journaled: JournalQueue | undefined
  /** Where there is a fold. */
  readonly #snapshots: FoldSnapshots | undefined
  #unit: Unit
  /** The offset that the last unit sent stands on. */
  #sentOffset: number
  #decoding = false
  #stopping = false
  #over = false

  constructor(work: PartitionWork) {
    const { agent, worker, ramp, clock, engine, lease, place, random } = work
    const changed = this.#wake.wake
    this.#work = work
    this.#unit = new Unit(clock.now())
    this.#sentOffset = place.checkpoint.offset
    this.#tracker = new CheckpointTracker(place.checkpoint, lease.group.edition)
    this.#arrivals = arrivalLog(place.topic, agent.to, work.endings)
    this.#outputs = new Outputs(agent, lease.group.edition, this.#arrivals)
    this.#intake = new Intake({
      engine,
      clock,
      agent: work.version,
      lease,
      place,
      from: place.checkpoint.offset,
      expired: (first, end) => this.#expired(first, end),
      changed,
      failed: error => this.#fail(error),
    })
    this.#handling = new Handling({
      agent,
      worker,
      ramp,
      outputs: this.#outputs,
      clock,
      random,
      progress: work.progress,
      crashNote: work.crashNote,
      breaker: work.breaker,
      topic: place.topic,
      topicIndex: work.topicIndex,
      partition: place.partition,
      busy: work.busy,
      recorded: task => this.#recorded(task),
      isRecorded: task => work.journal?.has(task.id, task.idAt) ?? false,
      finished: task => (this.#journaled === undefined ? this.#finished(task, task.outputs) : this.#journaled.add(task)),
      dead: (task, error) => {
        if (task.ramped) this.#unit.ramped.dead(task.attempts)
        this.#dead(task, error, task.attempts)
      },
      blocked: reason => work.blocked(place, reason),
      changed,
      broken: error => this.#fail(error),
    })
    this.#commits = new CommitQueue({ engine, clock, random, changed, lost: error => this.#fail(error) })
    if (work.journal !== undefined) {
      const finished = (task: Task, outputs: readonly Staged[]) => this.#finished(task, outputs)
      this.#journaled = new JournalQueue(work.journal, { finished, changed, failed: error => this.#fail(error) })
    }
    const topic = agent.from.find(own => own.name === place.topic)
    if (work.fold !== undefined && topic !== undefined) {
      const of = {
        agent: `${agent.name}@${agent.version}`,
        group: lease.group.name,
        place,
        clock,
        retentionMs: topic.spec.retentionMs,
        changed,
      }
      this.#snapshots = new FoldSnapshots(work.fold, of)
    }
  }

  /** Resolves when it was stopped and everything in hand is committed, or when it was told that the lease is over. */
  async run(): Promise<void> {
    while (!this.#over && !(this.#stopping && this.#handling.running === 0 && !this.#decoding && this.#journaled?.idle !== false)) {
      if (!this.#stopping && this.#commits.hasRoom) this.#intake.want()
      if (!this.#stopping) this.#handling.resume()
      this.#snapshots?.watch()
      if (this.#shouldCommit()) this.#commit()
      else if (this.#mayTake()) {
        // Handlers that compute would leave the event loop no turn for thousands of data: it has to hear of commits that have landed, of a stop,
        // of the lease's end, and other partitions are to have theirs.
        if (this.#takeSome()) await new Promise(setImmediate)
      } else await this.#wake.wait()
    }
    await this.#drain()
  }

  /** Begins nothing new; attempts in hand are waited for. */
  stop(): void {
    this.#stopping = true
    this.#wake.wake()
  }

  /** The lease is over: whatever is not committed is discarded. */
  discard(reason: Error): void {
    this.#over = true
    this.#handling.abort(reason)
    this.#commits.discard()
    this.#journaled?.discard()
    this.#snapshots?.stop()
    this.#wake.wake()
  }

  /** Handlers whose result is awaited. */
  get running(): number {
    return this.#handling.running
  }

  /** What waits for time to pass: data to be tried again, commits for which there was no room. */
  get waiting(): number {
    return this.#handling.waiting + (this.#commits.holding ? 1 : 0)
  }

  /** Whether there is something to do that waits neither for a handler nor for time nor for new data. */
  get busy(): boolean {
    if (this.#over) return false
    return (
      this.#decoding ||
      this.#mayTake() ||
      this.#handling.mayResume ||
      this.#journaled?.idle === false ||
      (!this.#commits.holding && ((!this.#unit.empty && !this.#holdsBack) || !this.#commits.idle))
    )
  }

  get #full(): boolean {
    return this.#unit.size >= MAX_UNIT_DATA || this.#outputs.bytes + this.#unit.letterBytes >= MAX_UNIT_BYTES
  }

  get #holdsBack(): boolean {
    return this.#snapshots?.holdsBack(this.#tracker.offset) === true
  }

  #mayTake(): boolean {
    return (
      this.#intake.ready &&
      !this.#stopping &&
      !this.#decoding &&
      !this.#full &&
      this.#handling.mayTake &&
      this.#journaled?.isFull !== true &&
      this.#intake.position - this.#tracker.offset < MAX_BEYOND_DATA &&
      ((this.#handling.clear && this.#journaled?.idle !== false) || this.#snapshots?.overdue !== true)
    )
  }

  /**
   * Commits when the unit is large or old enough, or when there is nothing else to do. While handlers are waited for, one commit at a
   * time: what finishes meanwhile gathers for the next instead of making one each.
   */
  #shouldCommit(): boolean {
    if (this.#unit.empty && !(this.#snapshots?.late && this.#snapshots.mayGoWith(this.#tracker.offset))) return false
    if (this.#holdsBack) return false
    if (this.#handling.running > 0 ? !this.#commits.idle : !this.#commits.hasRoom) return false
    if (!this.#mayTake()) return true
    return this.#work.clock.now() - this.#unit.startedMs >= MAX_UNIT_MS
  }

  /** @returns whether that took long. */
  #takeSome(): boolean {
    const startMs = this.#work.clock.now()
    this.#handling.busy.begin(startMs)
    do this.#takeNext()
    while (this.#mayTake() && this.#handling.startedMs - startMs < MAX_UNIT_MS)
    const endMs = this.#work.clock.now()
    this.#handling.busy.end(endMs)
    return endMs - startMs >= MAX_UNIT_MS
  }

  #takeNext(): void {
    const { source, fold } = this.#work
    this.#unit.covers(this.#intake.claimedMs, this.#intake.appendedMs)
    const { cursor, claim, offset } = this.#intake.next()
    const isCopy = source.isCopy(cursor)
    const skipped = isCopy ? 'duplicate' : source.skipped(claim)
    if (skipped !== undefined && (isCopy || !source.foldsSkipped)) {
      if (fold !== undefined) fold.offset = offset + 1
      this.#skip(offset, skipped)
      this.#release()
      return
    }
    const decoded = source.decode(cursor)
    if (decoded instanceof Promise) {
      this.#decodeLater(decoded, cursor, offset, skipped)
      return
    }
    this.#begin(decoded, cursor, offset, skipped)
    this.#release()
  }

  #release(): void {
    const first = this.#intake.release()
    if (first !== undefined) this.#handling.detach(first)
  }

  /** The topic's schema is asynchronous. The next datum waits: windows are folded in the log's order. */
  #decodeLater(decoding: Promise<Decoded>, cursor: FrameCursor, offset: number, skipped: Outcome | undefined): void {
    this.#decoding = true
    decoding
      .then(decoded => {
        this.#decoding = false
        if (this.#over) return
        this.#begin(decoded, cursor, offset, skipped)
        this.#release()
        this.#wake.wake()
      })
      .catch(error => this.#fail(error))
  }

  #begin(decoded: Decoded, cursor: FrameCursor, offset: number, skipped: Outcome | undefined): void {
    const { source, fold } = this.#work
    if (fold !== undefined) fold.offset = offset + 1
    let error: unknown = decoded.error
    let past: Past | undefined
    if (error === undefined) {
      try {
        past = source.past(decoded.value, cursor)
      } catch (thrown) {
        // `by` or `update` threw: they are pure, so it would be the same another time.
        error = thrown
      }
    }
    if (skipped !== undefined) this.#skip(offset, skipped)
    else if (past === undefined) this.#dead({ offset, id: cursor.bytes, idAt: cursor.idAt, frame: cursor.frame }, error, 1)
    else {
      const frame = { bytes: cursor.bytes, start: cursor.start, end: cursor.end, topic: source.topicOf(cursor) }
      this.#handle(new Task(frame, offset, decoded.value, past, source.parents, this.#intake.appendedMs))
    }
  }

  #handle(task: Task): void {
    const { agent, place, suspects, crashNote } = this.#work
    task.noted = crashNote?.isWanted === true && task.offset < place.checkpoint.offset + MAX_BEYOND_DATA
    const suspect = suspects.size === 0 ? undefined : suspects.get(`${placeName(place.topic, place.partition)}/${task.offset}`)
    if (suspect !== undefined) {
      task.attempts = suspect.attempts
      task.alone = true
    }
    if (suspect !== undefined && suspect.attempts >= agent.retry.attempts) this.#dead(task, fromPortable(suspect.reason), suspect.attempts)
    else this.#handling.take(task)
  }

  #skip(offset: number, outcome: Outcome): void {
    this.#unit.counts[outcome]++
    this.#tracker.finish(offset, outcome)
  }

  /** A journal that cannot be read ends the lease: it is not the datum that has failed. */
  #recorded(task: Task): Promise<readonly Staged[]> | undefined {
    const recorded = this.#work.journal?.recorded(task.id, task.idAt)
    return recorded?.then(
      ({ outputs, members }) => {
        if (members.length > 0) task.causedBy(members)
        return outputs
      },
      error => {
        this.#fail(error)
        // Nothing of this lease is waited for any more.
        return new Promise<never>(() => undefined)
      },
    )
  }

  #finished(task: Task, outputs: readonly Staged[]): void {
    const { clock, place } = this.#work
    const before = this.#outputs.count
    this.#outputs.write(outputs, task, clock.now(), (cache, key, value) =>
      this.#unit.cached(cache, { cache: cache.name, key, value, topic: place.topic, partition: place.partition, offset: task.offset + 1 }),
    )
    if (task.ramped) this.#unit.ramped.done(task.attempts, this.#outputs.count - before)
    this.#done(task)
    for (const member of task.members) this.#done(member)
    // Whoever still holds the task, be it only garbage that is not collected yet, does not hold its outputs.
    task.outputs = []
  }

  #done({ offset, id, idAt, attempts }: Task): void {
    this.#unit.markDone(offset, id, idAt)
    this.#count(offset, attempts, 'done')
  }

  #dead(datum: Pick<Task, 'offset' | 'id' | 'idAt' | 'frame'>, error: unknown, attempts: number): void {
    const { version, place, clock } = this.#work
    const dataId = formatId(datum.id, datum.idAt)
    const position = { topic: place.topic, partition: place.partition, offset: datum.offset, dataId }
    this.#unit.bury(letterOf(version, position, error, attempts, clock.now(), datum.frame))
    this.#count(datum.offset, attempts, 'dead')
  }

  #count(offset: number, attempts: number, outcome: Outcome): void {
    if (attempts > 1) {
      this.#unit.attempts.push({ offset, attempts })
      this.#unit.retries += attempts - 1
    }
    this.#unit.counts[outcome]++
    this.#tracker.finish(offset, outcome)
  }

  #expired(first: number, end: number): void {
    this.#unit.lost += end - first
    this.#tracker.expire(first, end)
  }

  #commit(): void {
    const { agent, version, lease, place, clock, recorder, busy } = this.#work
    const unit = this.#unit
    const { topic, partition } = place
    const finishedMs = clock.now()
    const claimedMs = Math.min(unit.claimedMs, finishedMs)
    const outputCount = this.#outputs.count
    const checkpoint = this.#tracker.checkpoint
    const { done, dead, attempts } = unit
    const arrived = this.#arrivals?.take()
    const marked = done.length > 0 || dead.length > 0
    const handlerMs = this.#handling.busy.takeMs(finishedMs)
    const busyMs = busy.takeMs(finishedMs)
    failpoint('after-handler')
    this.#commits.send(
      {
        lease,
        agent: version,
        outputs: this.#outputs.take(),
        letters: unit.letters,
        marks: marked ? [{ topic, partition, done, dead, claimedMs, finishedMs, attempts, ids: unit.ids }] : [],
        cache: unit.cache,
        snapshots: this.#snapshots?.take(checkpoint.offset, this.#stopping) ?? [],
        checkpoints: [{ topic, partition, from: this.#sentOffset, checkpoint }],
      },
      commitMs => {
        const times = { queueMs: Math.max(0, claimedMs - Math.min(unit.appendedMs, claimedMs)), handlerMs, busyMs, commitMs }
        for (const fact of workFacts(agent, place, unit, outputCount, times)) recorder.work(fact)
        if (arrived !== undefined) recorder.arrived?.(arrived(clock.now()))
      },
    )
    this.#sentOffset = checkpoint.offset
    this.#unit = new Unit(finishedMs)
  }

  /** Stopped: commits what is finished, with a snapshot, and waits until all of it has landed. */
  async #drain(): Promise<void> {
    while (!this.#over && !this.#commits.hasRoom) await this.#wake.wait()
    if (!this.#over && !this.#holdsBack && (!this.#unit.empty || this.#snapshots?.mayGoWith(this.#tracker.offset))) this.#commit()
    this.#snapshots?.stop()
    while (!this.#over && !this.#commits.idle) await this.#wake.wait()
  }

  #fail(error: unknown): void {
    if (!this.#over) this.#work.failed(error)
  }
}
