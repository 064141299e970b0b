import type { DataId } from '../../../envelope/data-id.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { AgentVersion, ClaimStates, MarkBatch, TraceRecord } from '../../trace.ts'
import type { FrameRows } from './frame-rows.ts'
import type { Place } from './mark-text.ts'

/** How the trace of data lies in Redis. */
export interface Layout {
  /** Answers into `states`, at each row's index less `skip`. */
  claim(agent: ClaimingAgent, batch: RecordBatch, rows: FrameRows, skip: number, atMs: number, states: ClaimStates): Promise<void>
  mark(agent: AgentVersion, marks: MarkBatch): Promise<void>
  note(batch: RecordBatch, rows: FrameRows): Promise<void>
  find(dataId: DataId, at: Place | undefined): Promise<TraceRecord | undefined>
}

export type ClaimingAgent = AgentVersion & { readonly replaced?: readonly number[] }

/** Data in one script's call: the server does nothing else meanwhile, for about 3 µs each. */
export const CALL_DATA = 500

export function fieldOf(agent: AgentVersion): string {
  return `${agent.name}@${agent.version}`
}
