import type { EventLoopUtilization } from 'node:perf_hooks'
import { type MessagePort, Worker } from 'node:worker_threads'
import type { Suspect } from '../agents/progress.ts'
import type { Clock } from '../clock.ts'
import { fromPortable, MillraceError } from '../errors.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { Versions } from '../versions/fold.ts'
import { compiledFor } from './compile-cache.ts'
import { type ThreadEngine, transfersOf } from './engines.ts'
import type { Facts } from './port-recorder.ts'
import type { FromThread, HeldPart, ThreadData, ToThread } from './thread-messages.ts'
import { stackOf } from './thread-stack.ts'

/**
 * A module that does not finish is as good as broken. Loading takes an agent about a CPU-second with the clients of Kafka and Redis, and all
 * of a process load at once: thirty agents on a container's one core need a minute, and must not be started anew in the middle of it.
 */
const LOAD_TIMEOUT_MS = 180_000
/** Measured at 5,000 data/s: V8’s default lets the short-lived data of each thread take 50 MB before it looks for garbage; this takes a third and costs no more. */
const YOUNG_GENERATION_MB = 16
/** What a thread whose event loop is free needs beyond its grace to say that it has stopped. */
const STOP_SLACK_MS = 500

export interface ThreadOptions {
  readonly file: string
  readonly agent: string
  readonly directory: string
  readonly versions: Versions
  readonly connect: (over: Promise<void>) => ThreadEngine
  readonly recorder: Recorder
  /** Told when it has died, before another replica can have what it had in hand. */
  readonly died: (error: Error) => void
  /** Told what the agent's data wait for, and with undefined when they wait no longer. */
  readonly held: (part: HeldPart, reason: string | undefined) => void
  /** Told a line that a remote agent's program has written. */
  readonly log: (line: string) => void
  readonly suspects: readonly Suspect[]
  readonly crashNote: ThreadData['crashNote']
  readonly progress: SharedArrayBuffer | undefined
  readonly desk: MessagePort | undefined
  /** The most that its heap may hold. */
  readonly bytes: number
}

/** How a thread ended: it was asked to, its agent could not go on, or it went by itself (an uncaught error, out of memory, process.exit). */
export type Ending = { readonly kind: 'stopped' } | { readonly kind: 'failed' | 'died'; readonly error: Error }

/** One worker thread that runs one agent, from loading to its end. Never throws out of the main thread, whatever the user's code does. */
export class Thread {
  /** Resolves once, when the thread is gone. */
  readonly ended: Promise<Ending>
  /** Resolves when its code is loaded; rejects with the reason where it never will be. */
  readonly ready: Promise<void>
  readonly #worker: Worker
  #ending: Ending | undefined
  #loop: EventLoopUtilization
  #asked = false

  constructor(options: ThreadOptions) {
    const over = Promise.withResolvers<void>()
    const engine = options.connect(over.promise)
    const { file, agent, directory, versions, progress, suspects, crashNote, desk } = options
    this.#worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './agent-thread.ts' : './agent-thread.js', import.meta.url), {
      name: agent,
      workerData: { file, agent, versions, progress, suspects, crashNote, engine, desk } satisfies ThreadData,
      transferList: [...transfersOf(engine), ...(desk === undefined ? [] : [desk])],
      env: compiledFor(directory),
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(options.bytes / 1e6), maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#loop = this.#worker.performance.eventLoopUtilization()
    const loaded = Promise.withResolvers<void>()
    // Where nobody waits for `ready` (a restart), `ended` tells.
    loaded.promise.catch(() => undefined)
    this.ready = loaded.promise
    const timer = setTimeout(
      () => this.#fail(new MillraceError('AGENT_CRASHED', `The pipeline of ${agent} did not load within ${LOAD_TIMEOUT_MS / 1000} s.`)),
      LOAD_TIMEOUT_MS,
    )

    this.#worker.on('message', (message: FromThread) => {
      if (message.type === 'facts') recordAll(options.recorder, message.facts)
      else if (message.type === 'held') options.held(message.part, message.reason)
      else if (message.type === 'log') options.log(message.line)
      else if (message.type === 'failed') this.#fail(fromPortable(message.error))
      else if (message.type === 'stopped') this.#end({ kind: 'stopped' })
      else {
        clearTimeout(timer)
        loaded.resolve()
      }
    })
    this.#worker.on('error', error => {
      // The first reason counts; `exit` follows.
      this.#ending ??= { kind: 'died', error }
    })
    this.ended = new Promise(resolve => {
      this.#worker.on('exit', code => {
        clearTimeout(timer)
        const ending: Ending = this.#ending ?? this.#exited(agent, code)
        loaded.reject(
          ending.kind === 'stopped' ? new MillraceError('AGENT_CRASHED', `${agent} was stopped while it loaded.`) : ending.error,
        )
        if (ending.kind === 'died') options.died(ending.error)
        over.resolve()
        resolve(ending)
      })
    })
  }

  /** Starts the agent, once its code is loaded. */
  begin(): void {
    this.#send({ type: 'begin' })
  }

  /** Tells it all data that have ended threads of its agent by now. */
  suspect(suspects: readonly Suspect[]): void {
    this.#send({ type: 'suspects', suspects })
  }

  /** So many programs are to work for its agent. */
  scale(programs: number): void {
    this.#send({ type: 'scale', programs })
  }

  /** Share of the time since the last call in which its event loop was at work; it need not answer for that. */
  takeLoop(): number {
    const before = this.#loop
    const now = this.#worker.performance.eventLoopUtilization()
    this.#loop = now
    return this.#worker.performance.eventLoopUtilization(now, before).utilization
  }

  /** Where it is, innermost first, though it answers nothing; undefined where that cannot be had. */
  stack(clock: Clock): Promise<string | undefined> {
    return stackOf(this.#worker, clock)
  }

  /** Lets what is in hand commit within `graceMs`; a thread that does not answer is ended, and what it had not committed is done again. */
  async stop(graceMs: number): Promise<void> {
    this.#asked = true
    this.#send({ type: 'stop', graceMs })
    const timer = setTimeout(() => this.#end({ kind: 'stopped' }), graceMs + STOP_SLACK_MS)
    await this.ended
    clearTimeout(timer)
  }

  /** Ends the thread at once, as a crash would. */
  async kill(error: Error): Promise<void> {
    this.#end({ kind: 'died', error })
    await this.ended
  }

  #fail(error: Error): void {
    this.#end({ kind: 'failed', error })
  }

  #end(ending: Ending): void {
    this.#ending ??= ending
    // Handles that user code left open (a timer, a socket) would keep the thread alive after its agent has stopped.
    void this.#worker.terminate()
  }

  #exited(agent: string, code: number): Ending {
    if (this.#asked) return { kind: 'stopped' }
    return {
      kind: 'died',
      error: new MillraceError(
        'AGENT_CRASHED',
        `The thread of ${agent} ended by itself with code ${code}: something in it called process.exit.`,
      ),
    }
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message)
  }
}

function recordAll(recorder: Recorder, facts: Facts): void {
  for (const fact of facts.work) recorder.work(fact)
  if (facts.arrived !== undefined) recorder.arrived?.(facts.arrived)
  if (facts.inHand !== undefined) recorder.inHand?.(facts.inHand)
}
