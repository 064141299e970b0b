import { MillraceError } from '../../errors.ts'
import type { Target } from '../agent.ts'
import { type Answer, isObject, readResults } from './messages.ts'

/** What a worker hands in. */
export interface Commit {
  readonly claim: string
  readonly answers: readonly Answer[]
  /** It gives back what it has not answered. */
  readonly release: boolean
}

const TEXT = new TextDecoder('utf-8', { fatal: true })

/** @throws BODY_MALFORMED */
export function readCommit(body: Uint8Array, targets: ReadonlyMap<string, Target>, addressed: boolean): Commit {
  const commit = parsed(body)
  if (!isObject(commit)) throw malformed('it is no object')
  const { claim, results = [], release = false } = commit
  if (typeof claim !== 'string') throw malformed('it names no claim')
  if (typeof release !== 'boolean') throw malformed('its release is neither true nor false')
  return { claim, answers: readResults(results, targets, addressed, malformed), release }
}

function parsed(body: Uint8Array): unknown {
  try {
    // Bytes that are not UTF-8 would become other outputs, in silence.
    return JSON.parse(TEXT.decode(body))
  } catch (cause) {
    throw malformed(`it is no JSON in UTF-8 (${cause instanceof Error ? cause.message : String(cause)})`)
  }
}

function malformed(what: string): MillraceError {
  return new MillraceError('BODY_MALFORMED', `The commit cannot be read: ${what}.`, {
    fix: 'Send {"claim": "…", "results": [{"n": 0, "outputs": […]}]}, as docs/protocol.md says.',
  })
}
