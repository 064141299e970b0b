import type { Clock } from '../clock.ts'
import type { DataId } from '../envelope/data-id.ts'
import type { Target } from './agent.ts'
import type { Replicas } from './policies.ts'

/** What works on a remote agent's data outside of this process: programs of any language, a service. Made by `millrace/remote`. */
export interface Remote {
  readonly kind: 'remote'
  /** How many data of one partition may be in its hands at once, unless the agent says otherwise. */
  readonly concurrency: number
  /** How many programs work on them; without it there is nothing to scale. */
  readonly replicas?: Replicas
  /** Applications elsewhere take the work themselves: the process needs a listener for them. */
  readonly isAttached?: boolean
  open(agent: RemoteAgentFacts, events: RemoteEvents): OpenRemote
}

/** What it is told of the agent. */
export interface RemoteAgentFacts {
  readonly name: string
  readonly version: number
  readonly to: readonly Target[]
  /** Outputs name their target. */
  readonly addressed: boolean
  /** How long no datum at all may be answered while some are in hand. */
  readonly timeoutMs: number
  readonly clock: Clock
}

export interface RemoteEvents {
  /** The data wait, for there is nobody to work on them, and why; undefined when they wait no longer. */
  readonly held: (error: Error | undefined) => void
  /** A line of what it has to say for itself. */
  readonly log: (line: string) => void
  /** Where applications that attach come to; absent where nothing lets them in. Called once, before `open` returns. */
  readonly attach?: ((desk: WorkDesk) => void) | undefined
}

/**
 * Where applications take an agent's data themselves and hand in what came of them (docs/protocol.md). Calls may come at any time and in any
 * order, also while the remote stops. What goes through is JSON in UTF-8, made and read here alone.
 */
export interface WorkDesk {
  /**
   * Resolves to data that are now in the caller's hands; to undefined when none came within `waitMs`, or `gone` has aborted. A caller that
   * has gone by the time it is answered gives the claim back by {@link release}.
   * @throws AGENT_AWAY when it stops, OVERLOADED when too many wait.
   */
  claim(most: number, waitMs: number, gone: AbortSignal): Promise<ClaimedWork | undefined>
  /**
   * Takes results of a claim, as a commit's body has them. All of them count or, where it throws, none.
   * @returns the answer. Sent again, the same commit is answered alike for as long as the claim is known, and has no effect.
   * @throws LEASE_LOST where the claim is not the caller's any more, BODY_MALFORMED.
   */
  commit(body: Uint8Array): Promise<string>
  /** The claim never reached its worker: its data are given out again, and none of them is blamed. */
  release(claim: string): void
}

export interface ClaimedWork {
  /** Names the claim in commits; nobody else can guess it. */
  readonly claim: string
  /** The answer: the claim, how long it holds, and its data. Its bytes are the caller's to hand on. */
  readonly json: Uint8Array<ArrayBuffer>
}

/** A datum for a remote to work on, and who waits for what becomes of it: no promise, for there are thousands a second. */
export interface Job {
  /** What its topic's schema made of it. */
  readonly datum: unknown
  readonly dataId: DataId
  readonly source: string
  /** Milliseconds since 1970 UTC. */
  readonly createdMs: number
  readonly topic: string
  /** 1 the first time. */
  readonly attempt: number
  /** Empty where the agent has none. */
  readonly window: readonly unknown[]
  /** Undefined where the agent keeps none. */
  readonly state: unknown
  /** Nobody waits for it any more: its lease has ended. */
  readonly aborted: boolean
  /** What a handler would return. The first of these two that is called counts. */
  done(outputs: readonly unknown[]): void
  /** What the program said of the datum, HANDLER_TIMEOUT, AGENT_CRASHED, REMOTE_BROKEN where it was this datum that it broke on. */
  failed(error: unknown): void
}

/** A remote at work for one agent. */
export interface OpenRemote {
  /** Takes a datum into its hands; what becomes of it is told to the job, later. */
  take(job: Job): void
  /** The lease has ended: nobody waits for the jobs that are aborted. */
  cancel(): void
  /** Milliseconds in which its programs had something in hand since the last call, added up over them; without it the agent's own time counts. */
  takeBusyMs?(): number
  /** Begins and ends programs until so many work; one that ends finishes what it has in hand. Only where the remote has replicas. */
  scale?(programs: number): void
  /** Nothing is in hand any more. Lets it end by itself within `graceMs`. */
  stop(graceMs: number): Promise<void>
}
