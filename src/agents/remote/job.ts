import type { HandedContext } from '../agent.ts'
import { type Item, RemoteError } from './messages.ts'

/** A datum for a program, and who waits for its answer. */
export interface Job {
  readonly datum: unknown
  readonly context: HandedContext
  readonly resolve: (outputs: readonly unknown[]) => void
  readonly reject: (error: unknown) => void
}

/** The datum as it is sent. @throws RemoteError where it cannot be written as JSON: it would be the same another time. */
export function encoded(n: number, { datum, context }: Job): string {
  const { dataId, source, createdMs, type = '' } = context.envelope
  const { window, state, attempt } = context
  const item: Item = {
    n,
    data_id: dataId,
    source,
    created: new Date(createdMs).toISOString(),
    topic: type,
    attempt,
    ...(datum instanceof Uint8Array ? { data_base64: Buffer.from(datum).toString('base64') } : { data: datum }),
    ...(window.length === 0 ? {} : { window }),
    ...(state === undefined ? {} : { state }),
  }
  try {
    return JSON.stringify(item)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RemoteError('TypeError', `The datum cannot be written as JSON for the program: ${why}.`, undefined, false)
  }
}
