import type { HandedContext } from '../../../src/agents/agent.ts'

export const ID = '0198f3c2-0000-7000-8000-000000000001'

/** What a remote is handed beside a datum. */
export function handed(more: Partial<HandedContext> = {}): HandedContext {
  return {
    window: [],
    state: undefined,
    attempt: 1,
    aborted: false,
    signal: new AbortController().signal,
    envelope: { dataId: ID, source: 'app', createdMs: 0, type: 'feedback', data: new Uint8Array() },
    ...more,
  }
}

/** What a datum failed by. @throws where it did not. */
export function failureOf(of: Promise<unknown>): Promise<Error & { readonly code?: string; readonly retryable?: boolean }> {
  return of.then(
    outputs => Promise.reject(new Error(`It should have failed, and put out ${JSON.stringify(outputs)}.`)),
    error => error,
  )
}
