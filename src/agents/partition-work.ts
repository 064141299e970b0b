import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { Ending } from '../objectives/way.ts'
import type { Assigned, Lease, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { Agent } from './agent.ts'
import type { Worker } from './attempts.ts'
import type { Breaker } from './breaker.ts'
import type { BusyTime } from './busy-time.ts'
import type { CrashNote } from './crash-note.ts'
import type { Fold } from './fold.ts'
import type { Journal } from './journal.ts'
import type { Progress, Suspect } from './progress.ts'
import type { Ramp } from './ramp.ts'
import type { Source } from './source.ts'

/** What one partition's run is given. */
export interface PartitionWork {
  readonly agent: Agent
  readonly worker: Worker | undefined
  readonly ramp: Ramp | undefined
  readonly version: AgentVersion
  readonly engine: Engine
  readonly clock: Clock
  readonly recorder: Recorder
  /** The objectives whose paths end with the agent. */
  readonly endings: readonly Ending[] | undefined
  readonly random: () => number
  readonly progress: Progress
  readonly crashNote: CrashNote | undefined
  readonly breaker: Breaker
  /** Told what a partition's data wait for, and with undefined when they wait no longer. */
  readonly blocked: (place: TopicPartition, reason: string | undefined) => void
  /** Of all partitions of the thread. */
  readonly busy: BusyTime
  /** By {@link placeName} and offset. */
  readonly suspects: ReadonlyMap<string, Suspect>
  readonly lease: Lease
  readonly place: Assigned
  readonly topicIndex: number
  readonly source: Source
  readonly fold: Fold | undefined
  /** Where the agent has one, and the engine needs it. */
  readonly journal: Journal | undefined
  /** The whole lease is over: a commit was refused, or the log cannot be read. */
  readonly failed: (error: unknown) => void
}
