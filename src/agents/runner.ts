import { CANARY_TOPIC } from '../objectives/canary.ts'
import type { Subscription } from '../stream/stream.ts'
import type { Agent, Handler } from './agent.ts'
import { Breaker } from './breaker.ts'
import { BusyTime } from './busy-time.ts'
import { canaryAgent } from './canary/agent.ts'
import { CrashNote } from './crash-note.ts'
import { replayTopicSpec } from './dead-letter.ts'
import { Holds } from './holds.ts'
import { LeaseRun, type LeaseWork } from './lease-run.ts'
import { Progress, progressTopics, type Suspect } from './progress.ts'
import { Ramp } from './ramp.ts'
import type { OpenRemote, WorkDesk } from './remote.ts'
import { backoffMs } from './retry.ts'
import { groupOf, mayRejoin, type RunContext, type RunningAgent } from './running.ts'
import { liveName, shownAgent } from './shadow.ts'
import { placeName } from './source.ts'

const REJOIN = { backoffMs: 50, maxBackoffMs: 2_000 } as const

export interface RunOptions {
  /** Where it writes what it has in hand, for a watchdog in another thread. */
  readonly progress?: Progress
  /** What was in hand when the thread before had to be ended. */
  readonly suspects?: readonly Suspect[]
  /** A file where it writes which datum it has in hand that has been in hand before, for the process that follows one that this datum ends. */
  readonly crashNote?: { readonly path: string; readonly process: string }
  /** Uniform in [0, 1): jitter of waits. Default `Math.random`. */
  readonly random?: () => number
  /** Told why data wait that are not at fault: by a `remote` that is not there, as the `handler` says. Undefined when they wait no longer. */
  readonly held?: (part: 'remote' | 'handler', reason: string | undefined) => void
  /** A line that a remote agent's program has written. */
  readonly log?: (line: string) => void
  /** Where applications that take a remote agent's work themselves come to. */
  readonly attach?: (desk: WorkDesk) => void
}

/** An agent at work, and how it fares. */
export interface RunningHandler extends RunningAgent {
  /** All data that have ended threads of the agent: their attempts count here, too. */
  suspect(suspects: readonly Suspect[]): void
  /** How many programs are to work for it from now on, where it is they that are scaled. */
  scale(programs: number): void
  /** Handlers whose result is awaited. This and the others: for tests that wait until nothing more happens by itself. */
  readonly running: number
  /** What waits for time to pass: data to be tried again, commits for which there was no room. */
  readonly waiting: number
  /** Whether there is something to do that waits neither for a handler nor for time nor for new data. */
  readonly busy: boolean
}

/**
 * Runs an agent: joins its group, and for every lease handles the data of each partition: fetch a batch → claim → run → outputs → commit.
 * A crash at any step loses nothing and repeats nothing: until the commit nothing has happened, after it everything has.
 */
export function runAgent(agent: Agent, context: RunContext, options: RunOptions = {}): RunningHandler {
  return new Runner(agent, context, options)
}

class Runner implements RunningHandler {
  readonly ended: Promise<void>
  readonly #agent: Agent
  readonly #context: RunContext
  readonly #work: LeaseWork
  /** Of the agent, and of the version that gets a share of its data. */
  readonly #remotes: readonly OpenRemote[]
  readonly #suspects = new Map<string, Suspect>()
  readonly #breaker: Breaker
  readonly #crashNote: CrashNote | undefined
  #graceMs = 0
  #subscription: Subscription | undefined
  #lease: LeaseRun | undefined
  readonly #stop = new AbortController()
  #resting = false
  /** Leases in a row that ended by a refused commit. */
  #refusals = 0

  constructor(agent: Agent, context: RunContext, options: RunOptions) {
    const progress = options.progress ?? new Progress()
    progress.reset()
    const holds = new Holds(reason => options.held?.('handler', reason))
    this.#agent = agent
    this.#context = context
    const next = agent.ramps?.agent
    const [remote, nextRemote] = [openRemote(agent, context, options), next && openRemote(next, context, options)]
    this.#remotes = [remote, nextRemote].filter(each => each !== undefined)
    // A program's end is not ours.
    const { crashNote } = options
    const isNoted = crashNote !== undefined && agent.batch === undefined && agent.remote === undefined
    this.#crashNote = isNoted ? new CrashNote(crashNote.path, crashNote.process) : undefined
    this.#breaker = new Breaker(agent.breaker, context.clock, reason => holds.set('breaker', reason))
    const isOnRoute = context.routes?.some(route => route.includes(`${agent.name}@${agent.version}`)) === true
    const canary = isOnRoute ? canaryAgent(agent, context.routes!, context.engine) : undefined
    this.#work = {
      agent,
      worker: remote ?? agent.handler,
      ramp: agent.ramps && new Ramp(agent, agent.ramps, nextRemote ?? handlerOf(agent.ramps.agent)),
      version: { name: agent.name, version: agent.version },
      engine: context.engine,
      clock: context.clock,
      recorder: context.recorder,
      endings: context.endings?.get(`${agent.name}@${agent.version}`),
      random: options.random ?? Math.random,
      progress,
      crashNote: this.#crashNote,
      breaker: this.#breaker,
      blocked: (place, reason) => holds.set(placeName(place.topic, place.partition), reason),
      busy: new BusyTime(undefined, remote?.takeBusyMs && (() => this.#takeBusyMs())),
      suspects: this.#suspects,
      topics: [...progressTopics(agent).map(topic => topic.name), ...(canary === undefined ? [] : [CANARY_TOPIC.name])],
      canary,
    }
    this.suspect(options.suspects ?? [])
    this.ended = this.#run()
    // Whoever runs the agent awaits `ended`; a failure before that must not bring the process down.
    this.ended.catch(() => {})
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        try {
          await this.#member()
        } catch (error) {
          if (this.#stop.signal.aborted) return
          if (!mayRejoin(error)) throw error
          this.#refusals++
          if (this.#refusals > 1) await this.#rest()
        }
      }
    } finally {
      this.#breaker.stop()
      this.#crashNote?.close()
      await Promise.all(this.#remotes.map(remote => remote.stop(this.#graceMs)))
    }
  }

  /** Waits before it joins again, so that an engine in trouble is not asked without pause. */
  async #rest(): Promise<void> {
    this.#resting = true
    const ms = backoffMs(REJOIN, Math.min(this.#refusals, 16), this.#work.random)
    // Rejected only because the agent is stopped, and that the loop looks at next.
    await this.#context.clock.sleep(ms, this.#stop.signal).catch(() => undefined)
    this.#resting = false
  }

  /** One membership of the group: lease after lease, until one is refused or the agent is stopped. */
  async #member(): Promise<void> {
    const { engine } = this.#context
    const { from, to } = this.#agent
    const specs = [...from, ...to].flatMap(target => (target.kind === 'topic' ? [target.spec] : []))
    const canaries = this.#work.canary === undefined ? [] : [CANARY_TOPIC.spec]
    await engine.ensure([...specs, replayTopicSpec(this.#agent), ...canaries])
    if (this.#stop.signal.aborted) return
    const subscription = engine.subscribe(groupOf(this.#agent), this.#work.topics, this.#agent.start)
    this.#subscription = subscription
    try {
      for await (const lease of subscription) {
        if (this.#stop.signal.aborted) return
        this.#lease = new LeaseRun(this.#work, lease)
        await this.#lease.run().finally(() => this.#remotes.forEach(remote => void remote.cancel()))
        this.#lease = undefined
        this.#refusals = 0
        if (this.#stop.signal.aborted) return
      }
      // Only an engine that closes ends a subscription that nobody closed.
      this.#stop.abort()
    } finally {
      this.#lease = undefined
      this.#subscription = undefined
      await subscription.close()
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#graceMs = graceMs
    this.#stop.abort()
    const cancel = this.#context.clock.after(graceMs, () => this.#lease?.discard(new Error('The agent was stopped.')))
    try {
      if (this.#lease === undefined) await this.#subscription?.close()
      else this.#lease.stop()
      // Whoever watches `ended` hears of a failure; who asked it to stop has what he asked for.
      await this.ended.catch(() => undefined)
    } finally {
      cancel()
    }
  }

  async crash(): Promise<void> {
    this.#stop.abort()
    this.#lease?.discard(new Error('The agent crashed.'))
    await this.#subscription?.close()
    await this.ended.catch(() => undefined)
  }

  suspect(suspects: readonly Suspect[]): void {
    this.#suspects.clear()
    for (const suspect of suspects) this.#suspects.set(`${placeName(suspect.topic, suspect.partition)}/${suspect.offset}`, suspect)
  }

  scale(programs: number): void {
    for (const remote of this.#remotes) remote.scale?.(programs)
  }

  #takeBusyMs(): number {
    return this.#remotes.reduce((sum, remote) => sum + (remote.takeBusyMs?.() ?? 0), 0)
  }

  get running(): number {
    return this.#lease?.running ?? 0
  }

  get waiting(): number {
    return this.#resting ? 1 : (this.#lease?.waiting ?? 0)
  }

  get busy(): boolean {
    if (this.#lease !== undefined) return this.#lease.busy
    return !this.#resting && !this.#stop.signal.aborted
  }
}

function openRemote(agent: Agent, { clock }: RunContext, { held, log, attach }: RunOptions): OpenRemote | undefined {
  const { version, addresses: to, addressed, timeoutMs } = agent
  // A program is the same whether it runs as a shadow or not.
  const name = liveName(agent.name)
  return agent.remote?.open(
    { name, version, to, addressed, timeoutMs, clock },
    {
      held: error => held?.('remote', error?.message),
      log: log ?? (line => process.stderr.write(`${shownAgent(agent)}: ${line}\n`)),
      attach,
    },
  )
}

/** Of a version that gets a share of the data: it is no agent of batches, as the pipeline has seen to. */
function handlerOf({ name, handler }: Agent): Handler {
  if (handler === undefined) throw new TypeError(`The agent ${name} has neither a handler nor a remote.`)
  return handler
}
