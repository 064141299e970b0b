import type { Clock } from '../clock.ts'
import type { HandedContext, Target } from './agent.ts'
import type { Replicas } from './policies.ts'

/** What works on a remote agent's data outside of this process: programs of any language, a service. Made by `millrace/remote`. */
export interface Remote {
  readonly kind: 'remote'
  /** How many data of one partition may be in its hands at once, unless the agent says otherwise. */
  readonly concurrency: number
  /** How many programs work on them; without it there is nothing to scale. */
  readonly replicas?: Replicas
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
}

/** A remote at work for one agent. */
export interface OpenRemote {
  /**
   * Resolves to what a handler would return. The datum is what its topic's schema made of it.
   * @throws what the program said of the datum, HANDLER_TIMEOUT, AGENT_CRASHED, REMOTE_BROKEN where it was this datum that it broke on.
   */
  handle(datum: unknown, context: HandedContext): Promise<unknown>
  /** The lease has ended: nobody waits for data whose signal has aborted. */
  cancel(): void
  /** Milliseconds in which its programs had something in hand since the last call, added up over them; without it the agent's own time counts. */
  takeBusyMs?(): number
  /** Begins and ends programs until so many work; one that ends finishes what it has in hand. Only where the remote has replicas. */
  scale?(programs: number): void
  /** Nothing is in hand any more. Lets it end by itself within `graceMs`. */
  stop(graceMs: number): Promise<void>
}
