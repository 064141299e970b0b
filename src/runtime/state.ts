/**
 * Where an agent's thread is in its life:
 *
 *   loading ──→ running ──→ stopping ──→ stopped
 *      │           │
 *      └───────────┴──→ waiting ──→ loading      (its thread ended by itself; it is started anew after a pause)
 *
 * - `loading`: a thread imports the pipeline and connects to the engine.
 * - `running`: it takes data.
 * - `waiting`: it ended by itself; until the pause is over nothing of the agent runs, and its data wait in the stream.
 * - `stopping`: it was told to stop and commits what is in hand.
 * - `stopped`: gone for good.
 */
export type HostState = 'loading' | 'running' | 'waiting' | 'stopping' | 'stopped'

/** How a replica of an agent is, for health. */
export interface AgentStatus {
  /** `name@version`. */
  readonly agent: string
  /** Which of its replicas: never two at once with the same number. */
  readonly replica: number
  readonly state: HostState
  /** How often its thread ended by itself. */
  readonly restarts: number
  /** Why it did the last time. */
  readonly lastError?: string
  /** What its data wait for: a trace or a store that is away. */
  readonly held?: string
}
