import { setTimeout as sleep } from 'node:timers/promises'
import type { Overview } from '../../console/api/overview.ts'
import { applyPatch } from '../../console/live/merge-patch.ts'
import { isMillraceError } from '../../errors.ts'
import type { Operators } from '../operators.ts'
import { serverEvents } from './events.ts'

const AGAIN_MS = 1_000

/** What is known at a moment: the last overview, and why there is none newer. */
export interface Look {
  readonly overview: Overview | undefined
  readonly away?: { readonly sinceMs: number; readonly reason: string }
}

/**
 * Follows a process, and comes back to it, or to the one after it, when it goes away. @param find whom to ask: asked anew each time, as a new process
 * has another port. @throws what it refuses with, such as that nobody is logged in.
 */
export async function* follow(find: () => Operators | undefined, signal: AbortSignal): AsyncGenerator<Look> {
  let overview: Overview | undefined
  let sinceMs: number | undefined
  while (!signal.aborted) {
    let reason = 'no process runs'
    const operators = find()
    try {
      if (operators !== undefined) {
        for await (const { event, data } of serverEvents(operators, '/v1/events', signal)) {
          sinceMs = undefined
          if (event === 'problem') yield { overview, away: { sinceMs: Date.now(), reason: detailOf(data) } }
          else {
            overview = (event === 'change' ? applyPatch(overview, data) : data) as Overview // our own API
            yield { overview }
          }
        }
      }
    } catch (error) {
      if (!isMillraceError(error) || !error.retryable) throw error
      reason = error.message
    }
    if (signal.aborted) return
    sinceMs ??= Date.now()
    yield { overview, away: { sinceMs, reason } }
    await sleep(AGAIN_MS, undefined, { signal }).catch(error => {
      // The signal is how it ends; there is nothing else that a timer fails with.
      if (!signal.aborted) throw error
    })
  }
}

function detailOf(problem: unknown): string {
  return typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : 'the overview cannot be made'
}
