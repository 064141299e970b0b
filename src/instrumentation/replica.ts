/** A datum by its position. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** An attempt in progress. */
export interface HeldDatum extends Position {
  readonly attempt: number
  /** Milliseconds since 1970 UTC. */
  readonly startedMs: number
  /** Its handler is on the stack: its thread does nothing else until it returns. */
  readonly current: boolean
  /** Where it stands on the stack, innermost first, a frame a line; where that could be had. */
  readonly stack?: string
}

/** A datum that has used up attempts, by failing or by ending its thread. */
export interface TriedDatum extends Position {
  readonly attempts: number
  /** Why, where that is known. */
  readonly reason?: string
}

/** One replica of an agent in this process, as it is seen from outside of its thread. */
export interface ReplicaFacts {
  /** Described in `runtime/state.ts`. */
  readonly state: 'loading' | 'running' | 'waiting' | 'stopping' | 'stopped'
  /** Since when. */
  readonly sinceMs: number
  /** How often its thread ended by itself, and why the last time. */
  readonly restarts: number
  readonly lastError?: string
  /** What its data wait for. */
  readonly held?: { readonly reason: string; readonly sinceMs: number }
  readonly inHand: readonly HeldDatum[]
  /** Data that wait to be tried again. */
  readonly failing: readonly TriedDatum[]
  /** Share of the last seconds in which its thread's event loop was at work; undefined as long as nobody has looked twice. */
  readonly loop: number | undefined
}

/** An agent in this process. */
export interface ProcessFacts {
  readonly replicas: readonly ReplicaFacts[]
  /** How many it is to have: threads, or programs of its one thread. And the most that it is given by itself. */
  readonly wanted: number
  readonly most: number
  readonly ofPrograms: boolean
  /** Data that have ended threads of it. */
  readonly suspects: readonly TriedDatum[]
}
