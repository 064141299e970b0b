import type { Clock } from '../../clock.ts'
import type { AtRest } from '../../engine/embedded/index.ts'
import type { GroupedStream } from '../../stream/stream.ts'
import type { SharedTrace } from '../../trace/trace.ts'

/** What a move is made of. */
export interface Moving {
  readonly source: AtRest
  readonly stream: GroupedStream
  readonly trace: SharedTrace
  readonly clock: Clock
  /** Marks of what is done before the agents' places too: the trace's history. */
  readonly history: boolean
  /** Aborts between two steps; run again, the move goes on. */
  readonly signal: AbortSignal
  readonly moved: (count: number) => void
  /** Told of what a person should know. */
  readonly warn: (text: string) => void
}
