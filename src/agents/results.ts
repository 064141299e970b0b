import { MillraceError } from '../errors.ts'

/** One datum's outputs are held until all are checked: a generator without an end must not take the memory. */
const MAX_OUTPUTS_PER_DATUM = 100_000

/** Whether a handler's result is still to come. */
export function isPending(result: unknown): result is PromiseLike<unknown> | AsyncIterable<unknown> {
  if (typeof result !== 'object' || result === null) return false
  return ('then' in result && typeof result.then === 'function') || Symbol.asyncIterator in result
}

/** Waits for the result and, where it is a stream of outputs, for all of them; gives up between two when the attempt has ended. */
export async function arrived(
  result: PromiseLike<unknown> | AsyncIterable<unknown>,
  context: { readonly aborted: boolean },
): Promise<unknown> {
  const settled = Symbol.asyncIterator in result ? result : await result
  if (typeof settled !== 'object' || settled === null || !(Symbol.asyncIterator in settled)) return settled
  const outputs: unknown[] = []
  // The line above has found the protocol; its element type is what the handler was checked for by the compiler.
  for await (const output of settled as AsyncIterable<unknown>) {
    if (context.aborted) break
    outputs.push(output)
    checkCount(outputs.length)
  }
  return outputs
}

/** The outputs of a result: nothing, many (an array, a generator, a set), or the one that it is. Text and bytes are one. */
export function outputsOf(result: unknown): readonly unknown[] {
  if (result === undefined || result === null) return NOTHING
  if (Array.isArray(result)) {
    checkCount(result.length)
    return result
  }
  if (typeof result !== 'object' || ArrayBuffer.isView(result) || !(Symbol.iterator in result)) return [result]
  const outputs: unknown[] = []
  // As in arrived(): the protocol was found.
  for (const output of result as Iterable<unknown>) {
    outputs.push(output)
    checkCount(outputs.length)
  }
  return outputs
}

function checkCount(count: number): void {
  if (count > MAX_OUTPUTS_PER_DATUM)
    throw new MillraceError('OUTPUT_INVALID', `A handler returned more than ${MAX_OUTPUTS_PER_DATUM} outputs for one datum.`, {
      fix: 'Let it return fewer, or split the datum in an agent before it.',
    })
}

const NOTHING: readonly unknown[] = []
