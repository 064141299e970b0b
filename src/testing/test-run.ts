import type { Agent } from '../agents/agent.ts'
import type { Cache } from '../agents/cache.ts'
import { sendCanaries } from '../agents/canary/sender.ts'
import type { StoredLetter } from '../agents/dead-letter.ts'
import { decode } from '../agents/decode.ts'
import { type RunningHandler, runAgent } from '../agents/runner.ts'
import type { RunContext, RunningAgent } from '../agents/running.ts'
import { liveName, shadowName } from '../agents/shadow.ts'
import { type Engine, groupName } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { CanaryLog, type CanaryReading } from '../instrumentation/canaries.ts'
import { type Ledger, ledgerOf } from '../instrumentation/ledger.ts'
import { silentRecorder } from '../instrumentation/recorder.ts'
import { Sampler } from '../instrumentation/sampler.ts'
import { SloMeter, type SloReading } from '../instrumentation/slo/meter.ts'
import { canaryRoutes } from '../objectives/canary.ts'
import { endingsOf } from '../objectives/way.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import { runStorageAgent } from '../storage/roller.ts'
import type { StorageAgent } from '../storage/storage.ts'
import type { Topic } from '../stream/topic.ts'
import type { TraceRecord } from '../trace/trace.ts'
import { MemoryStore, type Stored } from './memory-store.ts'
import { type Receipt, type SendOptions, send } from './send.ts'
import type { TestOptions } from './test-pipeline.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** So many turns of the event loop without a change, and nothing more happens by itself. */
const CALM_TURNS = 10
/** After so many busy turns it looks a thousand times a second instead of spinning beside a handler that waits for the network. */
const EAGER_TURNS = 200
/**
 * When time is moved, a handler that waits gets so long (in real time, and in turns of the event loop) to go on by itself before the
 * next moment comes. Turns, too: on a busy machine 20 ms can pass before a promise has had its turn.
 */
const STEP_PATIENCE_MS = 20
const STEP_PATIENCE_TURNS = EAGER_TURNS
const DEFAULT_PATIENCE_MS = 5_000
const READ_BYTES = 1024 * 1024
const MAX_LETTERS = 100_000

/** A topic's data, as its readers get them. */
export interface TestTopic<Out> {
  /** In order within a key; data of several partitions come in the order of the partitions. */
  readonly data: readonly Out[]
  readonly envelopes: readonly Envelope[]
}

/** A pipeline under test. What is read of it (`topic`, `cache`, `deadLetters`, `ledger`, `stored`) is as of the last `settled` or `advance`. */
export class TestRun implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly #pipeline: Pipeline
  readonly #engine: Engine
  readonly #context: RunContext
  readonly #options: TestOptions
  readonly #handlers = new Map<string, RunningHandler>()
  readonly #storers = new Map<string, RunningAgent>()
  readonly #stores = new Map<string, MemoryStore>()
  readonly #topics = new Map<string, { readonly data: unknown[]; readonly envelopes: Envelope[]; readonly next: number[] }>()
  readonly #caches = new Map<string, ReadonlyMap<string, unknown>>()
  #letters: readonly StoredLetter[] = []
  #ledger: Ledger = { balanced: true, atMs: 0, rows: [] }
  readonly #slos = new SloMeter()
  readonly #sampler: Sampler
  readonly #canaries: CanaryLog
  #endCanaries = () => {}
  #failure: { readonly error: unknown } | undefined

  constructor(pipeline: Pipeline, engine: Engine, clock: VirtualClock, options: TestOptions) {
    this.clock = clock
    this.#pipeline = pipeline
    this.#engine = engine
    this.#context = {
      engine,
      clock,
      recorder: {
        ...silentRecorder,
        work: fact => this.#slos.work(fact, clock.now()),
        arrived: facts => {
          for (const fact of facts) this.#slos.arrived(fact, clock.now())
        },
      },
      endings: endingsOf(pipeline),
      routes: canaryRoutes(pipeline),
    }
    this.#options = options
    this.#slos.use(pipeline)
    this.#sampler = new Sampler(engine, clock)
    this.#canaries = new CanaryLog(engine)
    this.#canaries.use(pipeline, clock.now())
    if (pipeline.canaryMs !== undefined) {
      const onError = (error: unknown) => {
        this.#failure ??= { error }
      }
      this.#endCanaries = sendCanaries({ stream: engine, pipeline: () => pipeline, clock, onError })
    }
    for (const agent of pipeline.agents.values()) this.#start(agent)
  }

  /** Sends data as a producer does. @throws DATUM_INVALID: nothing was sent. */
  send<In, Out>(topic: Topic<In, Out>, data: In | readonly In[], options: SendOptions = {}): Promise<Receipt[]> {
    const list: readonly unknown[] = Array.isArray(data) ? data : [data]
    return send(this.#engine, topic, list, this.clock.now(), options)
  }

  /**
   * Waits until everything is processed that can be without time passing. Data that wait for their next attempt, files for their age:
   * move the clock. @throws what an agent ended with, and an Error naming the agents whose handlers wait too long in real time.
   */
  async settled(): Promise<void> {
    const patienceMs = this.#options.patienceMs ?? DEFAULT_PATIENCE_MS
    const waits = await this.#calm(patienceMs, false)
    if (waits.length > 0) throw this.#impatient(patienceMs, waits)
    await this.#refresh()
  }

  /** What the clock does before each moment: lets happen what follows from the one before. */
  async step(): Promise<void> {
    const waits = await this.#calm(DEFAULT_PATIENCE_MS, true)
    if (waits.length > 0) throw this.#impatient(DEFAULT_PATIENCE_MS, waits)
    await this.#refresh()
  }

  /**
   * Ends an agent as a crash would, with nothing committed of what it had in hand, and starts it again; with it those that gather its windows or
   * pairs.
   */
  async crash(agent: AnyAgent): Promise<void> {
    const { agents } = this.#pipeline
    const name = groupName(agent.kind === 'agent' && agent.shadow ? { ...agent, name: shadowName(liveName(agent.name)) } : agent)
    // A version that gets a share of another's keys works at its place.
    const declared =
      agents.get(name) ?? [...agents.values()].find(each => each.kind === 'agent' && groupName(each.ramps?.agent ?? each) === name)
    if (declared === undefined) throw new TypeError(`crash: the pipeline '${this.#pipeline.name}' has no agent ${name}.`)
    const parts = [...agents.values()].filter(other => other.kind === 'agent' && other.partOf === agent.name)
    for (const part of [declared, ...parts]) {
      const running = this.#handlers.get(groupName(part)) ?? this.#storers.get(groupName(part))
      await running?.crash()
      this.#start(part)
    }
  }

  topic<In, Out>(topic: Topic<In, Out>): TestTopic<Out> {
    const read = this.#topics.get(topic.name)
    if (read === undefined) throw new TypeError(`topic: the pipeline '${this.#pipeline.name}' has no topic '${topic.name}'.`)
    // They were decoded by this topic's schema.
    return { data: [...read.data] as Out[], envelopes: [...read.envelopes] }
  }

  /** The cache's values by key. */
  cache<In, Out>(cache: Cache<In, Out>): ReadonlyMap<string, In> {
    // What was written there was checked as the schema's input, and is kept as that.
    return (this.#caches.get(cache.name) ?? new Map()) as ReadonlyMap<string, In>
  }

  /** Every dead letter, oldest first. */
  get deadLetters(): readonly StoredLetter[] {
    return this.#letters
  }

  /** Puts dead letters again: all that are dead, or those given. */
  async replay(letters?: readonly number[]): Promise<readonly number[]> {
    await this.#refresh()
    const dead = letters ?? this.#letters.filter(letter => letter.state === 'dead').map(letter => letter.letter)
    return this.#engine.letters.replay(dead, 'test')
  }

  trace(dataId: DataId): Promise<TraceRecord | undefined> {
    return this.#engine.find(dataId)
  }

  ledger(): Ledger {
    return this.#ledger
  }

  /** How the pipeline's objectives stand. */
  slos(): readonly SloReading[] {
    return this.#slos.read(this.clock.now(), () => true)
  }

  /** How canaries fare on each path. */
  canaries(): readonly CanaryReading[] {
    return this.#canaries.read(this.clock.now())
  }

  /** What a storage agent has stored: only whole rolls, so let enough arrive or its age pass. */
  stored(agent: StorageAgent): readonly Stored[] {
    return this.#stores.get(groupName(agent))?.stored ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endCanaries()
    for (const running of [...this.#handlers.values(), ...this.#storers.values()]) await running.crash().catch(() => undefined)
    await this.#engine.close()
  }

  #start(agent: AnyAgent): void {
    const name = groupName(agent)
    const running = agent.kind === 'agent' ? this.#startHandler(name, agent) : this.#startStorer(name, agent)
    running.ended.catch(error => {
      this.#failure ??= { error }
    })
  }

  #startHandler(name: string, agent: Agent): RunningAgent {
    const running = runAgent(agent, this.#context, { random: this.#options.random ?? (() => 0.5) })
    this.#handlers.set(name, running)
    return running
  }

  #startStorer(name: string, agent: StorageAgent): RunningAgent {
    const store = this.#stores.get(name) ?? new MemoryStore(agent.store.roll)
    this.#stores.set(name, store)
    const running = runStorageAgent(agent, this.#pipeline, this.#context, { store })
    this.#storers.set(name, running)
    return running
  }

  /**
   * Turns the event loop until nothing changes. With `handlersMayWait`, handlers that wait for something do not hold it up for long.
   * @returns the agents that are still at it after nothing has changed for so long in real time.
   */
  async #calm(patienceMs: number, handlersMayWait: boolean): Promise<string[]> {
    let changedMs = performance.now()
    let before = ''
    for (let turns = 0, still = 0, calm = 0; calm < CALM_TURNS; turns++) {
      await new Promise(resolve => (turns < EAGER_TURNS ? setImmediate(resolve) : setTimeout(resolve, 1)))
      if (this.#failure !== undefined) throw this.#failure.error
      const { working, waiting, seen } = await this.#look()
      const nowMs = performance.now()
      still = seen === before ? still + 1 : 0
      if (still === 0) changedMs = nowMs
      before = seen
      const waitedEnough = still >= STEP_PATIENCE_TURNS && nowMs - changedMs >= STEP_PATIENCE_MS
      const holding = handlersMayWait && waitedEnough ? working : [...working, ...waiting]
      calm = holding.length === 0 && still > 0 ? calm + 1 : 0
      if (nowMs - changedMs > patienceMs && holding.length > 0) return holding
    }
    return []
  }

  /** @returns agents that have something to do, agents whose handlers wait for something, and all that shows whether something changed. */
  async #look(): Promise<{ working: string[]; waiting: string[]; seen: string }> {
    const standings = await this.#engine.standings()
    const behind = new Set(standings.filter(at => at.checkpoint.offset < at.next).map(at => at.group))
    const working: string[] = []
    const waiting: string[] = []
    for (const [name, { busy, running, waiting: held }] of this.#handlers) {
      if (busy || (behind.has(name) && running === 0 && held === 0)) working.push(name)
      else if (running > 0) waiting.push(name)
    }
    const handlers = [...this.#handlers.values()].map(handler => `${handler.running}+${handler.waiting}`)
    const places = standings.map(at => `${at.checkpoint.offset}/${at.checkpoint.intent?.end ?? ''}/${at.next}`)
    return { working, waiting, seen: [...handlers, ...places].join() }
  }

  #impatient(patienceMs: number, waits: readonly string[]): Error {
    return new Error(
      `The test waited ${patienceMs} ms for ${waits.join(', ')}. A handler that waits for time to pass goes on with clock.advance(…).`,
    )
  }

  async #refresh(): Promise<void> {
    for (const topic of this.#pipeline.topics.values()) await this.#readOn(topic)
    for (const { name } of this.#pipeline.caches.values()) {
      const view = await this.#engine.cache(name)
      this.#caches.set(name, new Map((view?.entries ?? []).map(entry => [entry.key, JSON.parse(entry.value)])))
    }
    this.#letters = (await this.#engine.letters.list({ limit: MAX_LETTERS })).toReversed()
    if (this.#pipeline.slos.length > 0) this.#slos.note(await this.#sampler.sample(0))
    await this.#canaries.note()
    this.#ledger = ledgerOf(await this.#engine.standings(), this.clock.now())
  }

  async #readOn(topic: Topic): Promise<void> {
    const read = this.#topics.get(topic.name) ?? { data: [], envelopes: [], next: new Array<number>(topic.spec.partitions).fill(0) }
    this.#topics.set(topic.name, read)
    for (let partition = 0; partition < topic.spec.partitions; partition++) {
      for (;;) {
        const from = read.next[partition]!
        const batch = await this.#engine.read(topic.name, partition, from, READ_BYTES)
        if (batch.count === 0) break
        const cursor = new FrameCursor(batch.frames, batch.ascii)
        for (let offset = batch.first; cursor.next(); offset++) {
          if (offset < from) continue
          const decoded = await decode(cursor, topic)
          // Its readers do not get it, either: it is in their dead letters.
          if (decoded.error !== undefined) continue
          read.data.push(decoded.value)
          read.envelopes.push(cursor.envelope(topic.name))
        }
        read.next[partition] = batch.first + batch.count
      }
    }
  }
}
