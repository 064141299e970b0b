import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { suspectNotedIn } from '../agents/crash-note.ts'
import { type InHand, progressTopics } from '../agents/progress.ts'
import { shownAgent } from '../agents/shadow.ts'
import type { Clock } from '../clock.ts'
import { isMillraceError, MillraceError, toPortable } from '../errors.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { HeldDatum, Position, ReplicaFacts } from '../instrumentation/replica.ts'
import type { AnyAgent } from '../pipeline.ts'
import type { Versions } from '../versions/fold.ts'
import { DeskPort } from './attach/desk-port.ts'
import type { Desks } from './attach/desks.ts'
import { Backoff } from './backoff.ts'
import type { ThreadEngine } from './engines.ts'
import type { Log } from './log.ts'
import type { AgentStatus, HostState } from './state.ts'
import type { Suspects } from './suspects.ts'
import { Thread } from './thread.ts'
import type { HeldPart, ThreadData } from './thread-messages.ts'
import { Watchdog } from './watchdog.ts'

/** The folder of the data directory where agents note what may have ended the process. */
const IN_HAND = 'in-hand'
/** A spare thread is kept so long: a handler that is late once is late again, and to load the code for each time would cost more than it does. */
const SPARE_KEPT_MS = 60_000
/** Names this process: its pid is that of the one before, in a container. */
const PROCESS = randomUUID()

/** What every agent's thread is run with. */
export interface HostContext {
  readonly directory: string
  readonly connect: (over: Promise<void>) => ThreadEngine
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
  /** Where workers find the attached agents. */
  readonly desks: Desks
}

/** Which of an agent's replicas, and what they have in common. */
export interface Replica {
  readonly number: number
  readonly suspects: Suspects
}

/** A thread that has not begun, and what will watch it. */
interface Prepared {
  readonly thread: Thread
  readonly watchdog: Watchdog | undefined
  /** Where workers attach to the agent. */
  readonly desk: DeskPort | undefined
}

/**
 * Keeps one replica of an agent@version running in a thread of its own, whatever its code does: a thread that ends is started anew, one that
 * spins is ended and started anew, and the datum that did it counts one attempt more each time until the runner gives it to the dead letters.
 */
export class Host {
  readonly agent: string
  readonly #file: string
  readonly #declared: AnyAgent
  readonly #context: HostContext
  readonly #backoff = new Backoff()
  readonly #replica: Replica
  readonly #topics: readonly string[]
  readonly #crashNote: ThreadData['crashNote']
  readonly #unfollow: () => void
  #state: HostState = 'loading'
  #sinceMs: number
  #restarts = 0
  #lastError: string | undefined
  /** What its data wait for, by what is away. */
  readonly #held = new Map<HeldPart, { readonly reason: string; readonly sinceMs: number }>()
  #loop: number | undefined
  /** What was last seen of an attempt that hangs. */
  #hung: { readonly held: InHand; readonly stack: string | undefined } | undefined
  #wasStuck = false
  /** Takes over from a thread that will have to be ended: its code is loaded while the other still spins. */
  #spare: Prepared | undefined
  #cancelDrop: () => void = () => undefined
  #programs: number | undefined
  #thread: Thread
  /** Of the thread, where workers attach to the agent. */
  #desk: DeskPort | undefined
  #watchdog: Watchdog | undefined
  #cancelPause: () => void = () => undefined
  #beganMs = 0
  #begun = false

  /** Starts to load its code; nothing runs before {@link begin}. */
  constructor(file: string, declared: AnyAgent, context: HostContext, replica: Replica) {
    this.agent = `${declared.name}@${declared.version}`
    this.#file = file
    this.#declared = declared
    this.#context = context
    this.#replica = replica
    this.#topics = declared.kind === 'agent' ? progressTopics(declared).map(topic => topic.name) : []
    this.#sinceMs = context.clock.now()
    const path = join(context.directory, IN_HAND, `${this.agent}.${replica.number}`)
    this.#crashNote = { path, process: PROCESS }
    if (declared.kind === 'agent') replica.suspects.add(suspectNotedIn(path, this.agent, declared.retry.attempts, PROCESS))
    // The datum that has ended another replica's thread may come here next.
    this.#unfollow = replica.suspects.follow(() => this.#thread.suspect(replica.suspects.list()))
    const { thread, watchdog, desk } = this.#prepare()
    this.#thread = thread
    this.#watchdog = watchdog
    this.#desk = desk
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
    this.#cancelDrop()
    this.#unfollow()
    this.#setState('stopping')
    this.#watchdog?.stop()
    this.#spare?.desk?.close()
    await Promise.all([this.#thread.stop(graceMs), this.#spare?.thread.stop(0)])
    this.#letGo()
    this.#setState('stopped')
  }

  /** So many programs are to work for it, from now on and after every restart. */
  scale(programs: number): void {
    this.#programs = programs
    if (this.#state === 'running') this.#thread.scale(programs)
  }

  /** Measures how busy its thread's event loop was since the last look. */
  look(): void {
    if (this.#state === 'running') this.#loop = this.#thread.takeLoop()
  }

  /** How it is, as far as it can be seen from outside of its thread. */
  facts(): ReplicaFacts {
    const progress = this.#watchdog?.progress
    const held = [...this.#held.values()]
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      restarts: this.#restarts,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(held.length === 0
        ? {}
        : { held: { reason: held.map(({ reason }) => reason).join(' '), sinceMs: Math.min(...held.map(({ sinceMs }) => sinceMs)) } }),
      // What was in hand when a thread ended is in nobody's hands.
      inHand: this.#state === 'running' ? (progress?.inHand() ?? []).map(inHand => this.#heldDatum(inHand)) : [],
      failing: this.#state === 'running' ? (progress?.failing() ?? []).map(datum => ({ ...datum, ...this.#positionOf(datum) })) : [],
      loop: this.#loop,
    }
  }

  #prepare(): Prepared {
    const { directory, connect, recorder, threadBytes, log, versions } = this.#context
    const watchdog = this.#newWatchdog()
    const { desk, port } = this.#newDesk()
    const thread: Thread = new Thread({
      desk: port,
      file: this.#file,
      agent: this.agent,
      directory,
      versions: versions(),
      connect,
      recorder,
      died: error => this.#thread === thread && this.#blame(error),
      held: (part, reason) => this.#thread === thread && this.#onHeld(part, reason),
      log: line => log.info(`${shownAgent(this.#declared)}: ${line}`, this.agent),
      suspects: this.#replica.suspects.list(),
      crashNote: this.#crashNote,
      progress: watchdog?.progress.shared,
      bytes: threadBytes,
    })
    return { thread, watchdog, desk }
  }

  #dropSpare(): void {
    this.#spare?.desk?.close()
    void this.#spare?.thread.stop(0)
    this.#spare = undefined
  }

  #start(thread: Thread): void {
    this.#beganMs = this.#context.clock.now()
    this.#setState('running')
    thread.begin()
    if (this.#programs !== undefined) thread.scale(this.#programs)
    thread.takeLoop()
    this.#watchdog?.start()
    const desk = this.#desk
    if (desk !== undefined) this.#context.desks.open(this.agent, desk)
    void thread.ended.then(ending => {
      this.#closeDesk(desk)
      if (this.#thread !== thread || this.#state === 'stopping' || this.#state === 'stopped') return
      const error = ending.kind === 'stopped' ? new MillraceError('AGENT_CRASHED', `${this.agent} stopped by itself.`) : ending.error
      // To accept data that no agent can read would be to promise what cannot be kept.
      if (isMillraceError(error, 'ENGINE_FAILED')) this.#context.fatal(error)
      this.#restart(error)
    })
  }

  /** An agent that failed in order (its engine went away, its lease could not be had) blames no datum; nor is one to blame that was told to end. */
  #blame(error: Error): void {
    if (this.#state === 'stopping' || this.#state === 'stopped') return
    this.#replica.suspects.blame(this.#watchdog?.progress.inHand() ?? [], toPortable(error))
  }

  #onHeld(part: HeldPart, reason: string | undefined): void {
    if (reason === undefined) this.#held.delete(part)
    else this.#held.set(part, { reason, sinceMs: this.#held.get(part)?.sinceMs ?? this.#context.clock.now() })
    this.#setState(this.#state)
  }

  /** The thread is deaf to messages, so it can only be ended; `ended` above does the rest. */
  #onStuck(forMs: number): void {
    const error = new MillraceError(
      'HANDLER_TIMEOUT',
      `The handler of ${this.agent} held its thread for ${Math.round(forMs)} ms and had to be ended with it.`,
      { fix: 'A handler that computes for long must fit its timeout: raise the timeout, or split the work.' },
    )
    if (this.#hung?.stack !== undefined) error.stack = `${error.name}: ${error.message}\n${this.#hung.stack}`
    this.#wasStuck = true
    void this.#thread.kill(error)
  }

  async #onHung(held: InHand): Promise<void> {
    this.#hung = { held, stack: undefined }
    const thread = this.#thread
    const stack = await thread.stack(this.#context.clock)
    // It may have been let go of meanwhile, with the thread.
    if (this.#thread === thread && this.#hung?.held === held) this.#hung = { held, stack }
  }

  #restart(error: Error): void {
    this.#watchdog?.stop()
    this.#letGo()
    this.#restarts++
    this.#lastError = error.message
    this.#setState('waiting')
    // Each time that a handler spins it uses up an attempt, and takes its timeout for it: what is behind it need not wait any longer.
    const pauseMs = this.#wasStuck ? 0 : this.#backoff.pauseMs(this.#context.clock.now() - this.#beganMs)
    this.#wasStuck = false
    this.#cancelPause = this.#context.clock.after(pauseMs, () => {
      this.#setState('loading')
      this.#beganMs = this.#context.clock.now()
      const { thread, watchdog, desk } = this.#spare ?? this.#prepare()
      // It was prepared before its predecessor's end was anybody's fault.
      if (this.#spare !== undefined) thread.suspect(this.#replica.suspects.list())
      this.#spare = undefined
      this.#cancelDrop()
      this.#thread = thread
      this.#watchdog = watchdog
      this.#desk = desk
      this.#held.clear()
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
      onLong: fact => this.#context.recorder.inHand?.({ ...this.#identity(), ...fact }),
      onHung: held => void this.#onHung(held),
      onLate: () => {
        this.#cancelDrop()
        this.#spare ??= this.#prepare()
      },
      onBack: () => {
        this.#cancelDrop = this.#context.clock.after(SPARE_KEPT_MS, () => this.#dropSpare())
      },
      onStuck: forMs => this.#onStuck(forMs),
    })
  }

  /** Nothing is in its hands any more. */
  #letGo(): void {
    this.#hung = undefined
    this.#loop = undefined
    this.#context.recorder.inHand?.({ ...this.#identity(), count: 0, sinceMs: 0 })
  }

  #identity(): { agent: string; version: number; replica: number } {
    return { agent: this.#declared.name, version: this.#declared.version, replica: this.#replica.number }
  }

  #heldDatum(held: InHand): HeldDatum {
    const hung = this.#hung
    const isHung = hung?.held.startedMs === held.startedMs && hung.held.offset === held.offset && hung.held.partition === held.partition
    const { attempt, startedMs, current } = held
    const stack = isHung && hung?.stack !== undefined ? { stack: hung.stack } : {}
    return { ...this.#positionOf(held), attempt, startedMs, current, ...stack }
  }

  #positionOf({ topic, partition, offset }: { readonly topic: number; readonly partition: number; readonly offset: number }): Position {
    return { topic: this.#topics[topic] ?? '', partition, offset }
  }

  /** `port`: the thread's side of it. */
  #newDesk(): { readonly desk: DeskPort | undefined; readonly port: MessagePort | undefined } {
    if (this.#declared.kind !== 'agent' || this.#declared.remote?.isAttached !== true) return { desk: undefined, port: undefined }
    const { port1, port2 } = new MessageChannel()
    return { desk: new DeskPort(this.agent, port1), port: port2 }
  }

  #closeDesk(desk: DeskPort | undefined): void {
    if (desk === undefined) return
    this.#context.desks.close(this.agent, desk)
    desk.close()
  }

  #setState(state: HostState): void {
    if (this.#state === 'stopped') return
    if (this.#state !== state) this.#sinceMs = this.#context.clock.now()
    this.#state = state
    // One that never worked says nothing: the agent's state is that of the host before it.
    if (!this.#begun) return
    const { agent } = this
    this.#context.report({
      agent,
      replica: this.#replica.number,
      state,
      restarts: this.#restarts,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#held.size === 0 ? {} : { held: [...this.#held.values()].map(({ reason }) => reason).join(' ') }),
    })
  }
}
