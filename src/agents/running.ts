import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import type { Recorder } from '../instrumentation/recorder.ts'

/** What an agent is run with, whatever its kind. */
export interface RunContext {
  readonly engine: Engine
  readonly clock: Clock
  readonly recorder: Recorder
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
