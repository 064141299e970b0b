import type { Clock } from '../clock.ts'
import { type Engine, groupName } from '../engine/engine.ts'
import { type ErrorCode, isMillraceError } from '../errors.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { Route } from '../objectives/canary.ts'
import type { Ending } from '../objectives/way.ts'
import type { Group } from '../stream/stream.ts'
import type { Agent } from './agent.ts'

/** What an agent is run with, whatever its kind. */
export interface RunContext {
  readonly engine: Engine
  readonly clock: Clock
  readonly recorder: Recorder
  /** By name@version, the objectives whose paths end with an agent: it says when data get there. */
  readonly endings?: ReadonlyMap<string, readonly Ending[]>
  /** The paths of the pipeline's canaries: an agent on one lets them pass. */
  readonly routes?: readonly Route[]
}

/** An agent at work. */
export interface RunningAgent {
  /** Takes nothing new, lets what is in hand commit within `graceMs`, gives the partitions back. */
  stop(graceMs: number): Promise<void>
  /** Stops at once and discards whatever is not committed, as a crash would. */
  crash(): Promise<void>
  /** Resolves when it has stopped; rejects with what ended it when it cannot go on. */
  readonly ended: Promise<void>
}

/** What may be otherwise after reading the places anew: another has them, or nobody knows what was committed. The rest ends the agent. */
const REJOINED: ReadonlySet<ErrorCode> = new Set([
  'LEASE_LOST',
  'APPEND_UNKNOWN',
  'OVERLOADED',
  'DISK_FULL',
  'STREAM_UNAVAILABLE',
  'TRACE_UNAVAILABLE',
])

/** Whether an agent whose membership ended with this error may join its group again. */
export function mayRejoin(error: unknown): boolean {
  return isMillraceError(error) && REJOINED.has(error.code)
}

/** The group that an agent of any kind joins. Its edition is its version, unless it takes over that of the one it replaces. */
export function groupOf(agent: Pick<Agent, 'name' | 'version' | 'replaces'>): Group {
  const { name, version, replaces } = agent
  return {
    name: groupName(agent),
    edition: replaces ?? version,
    ...(replaces === undefined ? {} : { replaces: groupName({ name, version: replaces }) }),
  }
}
