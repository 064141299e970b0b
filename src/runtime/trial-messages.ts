import type { PortableError } from '../errors.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { Versions } from '../versions/fold.ts'

/** What a trial's thread is started with. */
export interface TrialData {
  /** Absolute path of the user's pipeline. */
  readonly file: string
  /** What was decided since the file was written. */
  readonly versions: Versions
  /** Whose letter it is, and where it died. */
  readonly agent: AgentVersion
  readonly topic: string
  readonly frame: Uint8Array | undefined
}

/** How a trial ended, as it crosses threads. */
export interface TrialOutcome {
  /** Who was tried; undefined where the pipeline has nobody. */
  readonly agent?: AgentVersion
  readonly withoutPast: boolean
  readonly outcome:
    | {
        readonly kind: 'outputs'
        readonly outputs: readonly { readonly to: string; readonly key: string; readonly data: string | Uint8Array }[]
      }
    | { readonly kind: 'failure'; readonly error: PortableError }
    | { readonly kind: 'untried'; readonly reason: string }
}

export type FromTrial =
  /** The pipeline's code is loaded; what takes time from here on is the handler. */
  { readonly type: 'loaded'; readonly timeoutMs: number } | { readonly type: 'ended'; readonly outcome: TrialOutcome }
