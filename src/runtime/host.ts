import { progressTopics } from '../agents/progress.ts'
import { shownAgent } from '../agents/shadow.ts'
import type { Clock } from '../clock.ts'
import { isMillraceError, MillraceError, toPortable } from '../errors.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { AnyAgent } from '../pipeline.ts'
import type { Versions } from '../versions/fold.ts'
import { Backoff } from './backoff.ts'
import type { ThreadEngine } from './engines.ts'
import type { Log } from './log.ts'
import type { AgentStatus, HostState } from './state.ts'
import { Suspects } from './suspects.ts'
import { Thread } from './thread.ts'
import type { HeldPart } from './thread-messages.ts'
import { Watchdog } from './watchdog.ts'

/** What every agent's thread is run with. */
export interface HostContext {
  readonly directory: string
  readonly connect: () => ThreadEngine
  readonly recorder: Recorder
  readonly clock: Clock
  readonly threadBytes: number
  readonly log: Log
  /** What was decided about versions so far: a thread applies it to the file that it loads. */
  readonly versions: () => Versions
  /** Told of what no restart can mend: the process has to stop. */
  readonly fatal: (error: Error) => void
  /** Told of every change of an agent's state. */
  readonly report: (status: AgentStatus) => void
}

/**
 * Keeps one agent@version running in a thread of its own, whatever its code does: a thread that ends is started anew, one that spins is
 * ended and started anew, and the datum that did it counts one attempt more each time until the runner gives it to the dead letters.
 */
export class Host {
  readonly agent: string
  readonly #file: string
  readonly #declared: AnyAgent
  readonly #context: HostContext
  readonly #backoff = new Backoff()
  readonly #suspects: Suspects
  #state: HostState = 'loading'
  #restarts = 0
  #lastError: string | undefined
  /** What its data wait for, by what is away. */
  readonly #held = new Map<HeldPart, string>()
  #thread: Thread
  #watchdog: Watchdog | undefined
  #cancelPause: () => void = () => undefined
  #beganMs = 0
  #begun = false

  /** Starts to load its code; nothing runs before {@link begin}. */
  constructor(file: string, declared: AnyAgent, context: HostContext) {
    this.agent = `${declared.name}@${declared.version}`
    this.#file = file
    this.#declared = declared
    this.#context = context
    this.#suspects = new Suspects(declared.kind === 'agent' ? progressTopics(declared).map(topic => topic.name) : [])
    this.#thread = this.#spawn()
  }

  /** Resolves when the agent's code is loaded in its thread. @throws what keeps it from loading. */
  get ready(): Promise<void> {
    return this.#thread.ready
  }

  /** Lets the agent work, from now on and after every restart. Only once it is {@link ready}. */
  begin(): void {
    this.#begun = true
    this.#start(this.#thread)
  }

  /** Commits what is in hand within `graceMs`, gives the partitions back and ends. */
  async stop(graceMs: number): Promise<void> {
    if (this.#state === 'stopped') return
    this.#cancelPause()
    this.#setState('stopping')
    this.#watchdog?.stop()
    await this.#thread.stop(graceMs)
    this.#setState('stopped')
  }

  #spawn(): Thread {
    const { directory, connect, recorder, threadBytes, log, versions } = this.#context
    this.#watchdog = this.#newWatchdog()
    this.#held.clear()
    return new Thread({
      file: this.#file,
      agent: this.agent,
      directory,
      versions: versions(),
      connect,
      recorder,
      held: (part, reason) => this.#onHeld(part, reason),
      log: line => log.info(`${shownAgent(this.#declared)}: ${line}`),
      suspects: this.#suspects.list(),
      progress: this.#watchdog?.progress.shared,
      bytes: threadBytes,
    })
  }

  #start(thread: Thread): void {
    this.#beganMs = this.#context.clock.now()
    this.#setState('running')
    thread.begin()
    this.#watchdog?.start()
    void thread.ended.then(ending => {
      if (this.#thread !== thread || this.#state === 'stopping' || this.#state === 'stopped') return
      const error = ending.kind === 'stopped' ? new MillraceError('AGENT_CRASHED', `${this.agent} stopped by itself.`) : ending.error
      // An agent that failed in order (its engine went away, its lease could not be had) blames no datum.
      if (ending.kind === 'died') this.#suspects.blame(this.#watchdog?.progress.inHand() ?? [], toPortable(error))
      // To accept data that no agent can read would be to promise what cannot be kept.
      if (isMillraceError(error, 'ENGINE_FAILED')) this.#context.fatal(error)
      this.#restart(error)
    })
  }

  #onHeld(part: HeldPart, reason: string | undefined): void {
    if (reason === undefined) this.#held.delete(part)
    else this.#held.set(part, reason)
    this.#setState(this.#state)
  }

  /** The thread is deaf to messages, so it can only be ended; `ended` above does the rest. */
  #onStuck(forMs: number): void {
    const error = new MillraceError(
      'HANDLER_TIMEOUT',
      `The handler of ${this.agent} held its thread for ${Math.round(forMs)} ms and had to be ended with it.`,
      { fix: 'A handler that computes for long must fit its timeout: raise the timeout, or split the work.' },
    )
    void this.#thread.kill(error)
  }

  #restart(error: Error): void {
    this.#watchdog?.stop()
    this.#context.recorder.inHand?.({ ...this.#agentVersion(), count: 0, sinceMs: 0 })
    this.#restarts++
    this.#lastError = error.message
    this.#setState('waiting')
    const pauseMs = this.#backoff.pauseMs(this.#context.clock.now() - this.#beganMs)
    this.#cancelPause = this.#context.clock.after(pauseMs, () => {
      this.#setState('loading')
      this.#beganMs = this.#context.clock.now()
      const thread = this.#spawn()
      this.#thread = thread
      thread.ready.then(
        () => this.#state === 'loading' && this.#start(thread),
        (reason: Error) => this.#state === 'loading' && this.#restart(reason),
      )
    })
  }

  /** A storage agent runs no user code for a datum, so there is nothing to watch. */
  #newWatchdog(): Watchdog | undefined {
    if (this.#declared.kind !== 'agent') return undefined
    return new Watchdog(this.#declared, this.#context.clock, {
      onLong: fact => this.#context.recorder.inHand?.({ ...this.#agentVersion(), ...fact }),
      onStuck: forMs => this.#onStuck(forMs),
    })
  }

  #agentVersion(): { agent: string; version: number } {
    return { agent: this.#declared.name, version: this.#declared.version }
  }

  #setState(state: HostState): void {
    if (this.#state === 'stopped') return
    this.#state = state
    // One that never worked says nothing: the agent's state is that of the host before it.
    if (!this.#begun) return
    const { agent } = this
    this.#context.report({
      agent,
      state,
      restarts: this.#restarts,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#held.size === 0 ? {} : { held: [...this.#held.values()].join(' ') }),
    })
  }
}
