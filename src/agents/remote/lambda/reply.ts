import { MillraceError } from '../../../errors.ts'
import type { RemoteAgentFacts } from '../../remote.ts'
import { type Answer, broken, isObject, RemoteError, readResults, shown } from '../messages.ts'
import { Away } from '../service.ts'

/** The function does not come up, whatever it is given. */
const NOT_UP: ReadonlySet<string> = new Set([
  'Runtime.ImportModuleError',
  'Runtime.HandlerNotFound',
  'Runtime.InvalidEntrypoint',
  'Runtime.InvalidWorkingDir',
  'Runtime.MalformedHandlerName',
  'Runtime.UserCodeSyntaxError',
])

/**
 * What a function returned: the protocol's `results`, or AWS's partial failures, `{batchItemFailures: [{itemIdentifier}]}`, by which
 * all that is not named has succeeded and has no outputs.
 * @throws REMOTE_BROKEN
 */
export function answersIn(payload: string, ids: readonly string[], { to, addressed }: RemoteAgentFacts): readonly Answer[] {
  let result: unknown
  try {
    result = payload === '' ? null : JSON.parse(payload)
  } catch {
    throw broken(`it returned ${shown(payload)}, which is no JSON`)
  }
  if (isObject(result) && result.results !== undefined) {
    return readResults(result.results, new Map(to.map(target => [target.name, target])), addressed)
  }
  if (isObject(result) && result.batchItemFailures !== undefined) return partial(result.batchItemFailures, ids)
  // AWS takes nothing for success. Where there should be outputs it is a return that was forgotten.
  if (result === null && to.length === 0) return ids.map((_, n) => ({ n, outputs: [] }))
  throw broken(`it returned ${shown(payload)}`, 'Let it return results (docs/protocol.md), or batchItemFailures where it has no outputs.')
}

function partial(failures: unknown, ids: readonly string[]): readonly Answer[] {
  // AWS reads null as none.
  if (failures !== null && !Array.isArray(failures)) throw broken(`its batchItemFailures are ${shown(failures)} and no list`)
  const failed = new Set<number>()
  for (const failure of failures ?? []) for (const n of placesOf(isObject(failure) ? failure.itemIdentifier : undefined, ids)) failed.add(n)
  return ids.map((_, n) =>
    failed.has(n)
      ? {
          n,
          error: new RemoteError('BatchItemFailure', 'The function named this datum in batchItemFailures, and no reason.', undefined, true),
        }
      : { n, outputs: [] },
  )
}

/** A data_id, of which a request may have copies, or an `n`. One that names nothing fails all, as AWS does: what it meant has not succeeded. */
function placesOf(identifier: unknown, ids: readonly string[]): readonly number[] {
  const places = ids.flatMap((id, n) => (id === identifier || n === identifier || String(n) === identifier ? [n] : []))
  if (places.length > 0) return places
  throw broken(`an itemIdentifier is ${shown(identifier)}, which is neither the data_id nor the n of a datum that it was given`)
}

/**
 * What a function failed by (FunctionError). An error of its handler is a datum's. One that does not come up has not seen them; one that
 * ended or ran out of time may have done so on a datum, or before: Lambda does not tell.
 */
export function failureIn(payload: string, place: string): Away | RemoteError {
  const { errorType, errorMessage, trace, stackTrace } = fieldsOf(payload)
  const type = typeof errorType === 'string' ? errorType : ''
  const message = typeof errorMessage === 'string' ? errorMessage : shown(payload)
  const said = `${message.trim().replace(/\.$/, '')}.`
  if (NOT_UP.has(type)) return new Away(new MillraceError('REMOTE_UNAVAILABLE', `${place} does not come up (${type}): ${said}`))
  if (type === 'Sandbox.Timedout' || /Task timed out after/.test(message)) {
    const fix = "Raise the function's timeout, or let a request have fewer data (batch)."
    return new Away(new MillraceError('HANDLER_TIMEOUT', `${place} ran out of time: ${said}`, { fix }), { unsure: true })
  }
  if (/^(Runtime|Sandbox)\./.test(type)) {
    return new Away(new MillraceError('AGENT_CRASHED', `${place} ended (${type}): ${said}`), { unsure: true })
  }
  return new RemoteError(type === '' ? 'Error' : type, message, stackOf(trace ?? stackTrace), true)
}

function fieldsOf(payload: string): Record<string, unknown> {
  try {
    const failure: unknown = JSON.parse(payload)
    return isObject(failure) ? failure : {}
  } catch {
    return {}
  }
}

/** A list of lines: Node's runtime client calls it `trace`, with the message at its beginning, Python's `stackTrace`. */
function stackOf(trace: unknown): string | undefined {
  if (!Array.isArray(trace) || trace.length === 0) return undefined
  return trace.map(line => String(line).replace(/\n$/, '')).join('\n')
}
