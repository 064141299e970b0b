import { silentRecorder } from '../instrumentation/recorder.ts'
import { CANARY_TOPIC } from '../objectives/canary.ts'
import type { Lease } from '../stream/stream.ts'
import type { Agent } from './agent.ts'
import { Breaker } from './breaker.ts'
import { BusyTime } from './busy-time.ts'
import { type Fold, folds } from './fold.ts'
import { rebuildFold } from './fold-rebuild.ts'
import { Journal, journalTopic } from './journal.ts'
import { PartitionRun } from './partition-run.ts'
import type { PartitionWork } from './partition-work.ts'
import { Progress } from './progress.ts'
import { mayRejoin } from './running.ts'
import { OwnSource, placeName, ReplaySource } from './source.ts'

export type LeaseWork = Omit<PartitionWork, 'lease' | 'place' | 'topicIndex' | 'source' | 'fold' | 'journal' | 'failed'> & {
  /** The agent's own topics, then its replay topic, and that of canaries where it lets some pass. */
  readonly topics: readonly string[]
  /** What lets canaries pass: `canary/agent.ts`. */
  readonly canary: Agent | undefined
}

/** One lease: its partitions side by side, each on its own, until the lease ends or one of them cannot go on. */
export class LeaseRun {
  readonly #work: LeaseWork
  readonly #lease: Lease
  readonly #over = new AbortController()
  #runs: readonly PartitionRun[] = []
  #stopping = false
  #error: unknown

  constructor(work: LeaseWork, lease: Lease) {
    this.#work = work
    this.#lease = lease
  }

  /** Resolves when the lease has ended, or when it was stopped and all is committed. @throws what made it end before that. */
  async run(): Promise<void> {
    const leaseEnded = () => this.discard(new Error('The lease has ended.'))
    if (this.#lease.signal.aborted) return
    this.#lease.signal.addEventListener('abort', leaseEnded, { once: true })
    try {
      const rebuilt = await this.#rebuildFolds()
      const journals = await this.#openJournals()
      if (!this.#over.signal.aborted && !this.#stopping) {
        this.#runs = this.#lease.partitions.map((place, i) => this.#partitionRun(place, rebuilt, journals[i]))
        await Promise.all(this.#runs.map(run => run.run().catch(error => this.#fail(error))))
      }
    } finally {
      this.#lease.signal.removeEventListener('abort', leaseEnded)
    }
    if (this.#error !== undefined) throw this.#error
  }

  stop(): void {
    this.#stopping = true
    for (const run of this.#runs) run.stop()
  }

  /** Ends at once; whatever is not committed is discarded. */
  discard(reason: Error): void {
    this.#over.abort(reason)
    for (const run of this.#runs) run.discard(reason)
  }

  get running(): number {
    return this.#runs.reduce((sum, run) => sum + run.running, 0)
  }

  get waiting(): number {
    return this.#runs.reduce((sum, run) => sum + run.waiting, 0)
  }

  get busy(): boolean {
    return this.#runs.length === 0 || this.#runs.some(run => run.busy)
  }

  /** All before the first datum is handled: a replayed datum looks into the folds of other partitions. */
  async #rebuildFolds(): Promise<ReadonlyMap<string, Fold>> {
    const { agent, engine } = this.#work
    const rebuilt = new Map<string, Fold>()
    if (!folds(agent)) return rebuilt
    for (const place of this.#lease.partitions) {
      const topic = agent.from.find(own => own.name === place.topic)
      if (topic === undefined) continue
      const fold = await rebuildFold(agent, topic, place, this.#lease.group.name, engine, this.#over.signal)
      rebuilt.set(placeName(place.topic, place.partition), fold)
    }
    return rebuilt
  }

  /** One for each partition of the lease, where the agent keeps one and a unit of work may be cut off half way. */
  async #openJournals(): Promise<readonly (Journal | undefined)[]> {
    const { agent, engine } = this.#work
    if (!agent.journal || engine.transactional) return []
    const spec = journalTopic(agent, this.#lease.group.edition)
    const places = this.#lease.partitions
    return Promise.all(
      places.map(place =>
        place.topic === CANARY_TOPIC.name ? undefined : Journal.open(engine, spec, place, place.checkpoint.offset, this.#over.signal),
      ),
    )
  }

  #partitionRun(place: Lease['partitions'][number], rebuilt: ReadonlyMap<string, Fold>, journal: Journal | undefined): PartitionRun {
    const { agent, topics, canary, ...rest } = this.#work
    if (canary !== undefined && place.topic === CANARY_TOPIC.name) return this.#canaryRun(canary, place)
    const topic = agent.from.find(own => own.name === place.topic)
    const fold = rebuilt.get(placeName(place.topic, place.partition))
    return new PartitionRun({
      ...rest,
      agent,
      lease: this.#lease,
      place,
      topicIndex: topics.indexOf(place.topic),
      source: topic === undefined ? new ReplaySource(agent, rebuilt) : new OwnSource(agent, topic, fold),
      fold,
      journal,
      failed: error => this.#fail(error),
    })
  }

  /** In all of its own, so that what becomes of canaries shows in nothing that is measured or watched of the agent's data. */
  #canaryRun(canary: Agent, place: Lease['partitions'][number]): PartitionRun {
    const { version, engine, clock, random, topics } = this.#work
    const run: PartitionRun = new PartitionRun({
      ...{ version, engine, clock, random, place, agent: canary, worker: canary.handler, lease: this.#lease },
      ...{ ramp: undefined, endings: undefined, crashNote: undefined, fold: undefined, journal: undefined },
      recorder: silentRecorder,
      progress: new Progress(),
      breaker: new Breaker(undefined, clock, () => undefined),
      blocked: () => undefined,
      busy: new BusyTime(),
      suspects: new Map(),
      topicIndex: topics.indexOf(place.topic),
      source: new OwnSource(canary, CANARY_TOPIC, undefined),
      failed: error => {
        if (mayRejoin(error)) this.#fail(error)
        else {
          // The agent's data go on without canaries; that they are overdue says so.
          process.emitWarning(`${version.name}@${version.version} lets no canaries pass: ${String(error)}`, 'MillraceWarning')
          run.discard(error instanceof Error ? error : new Error(String(error)))
        }
      },
    })
    return run
  }

  #fail(error: unknown): void {
    this.#error ??= error
    this.discard(error instanceof Error ? error : new Error(String(error)))
  }
}
