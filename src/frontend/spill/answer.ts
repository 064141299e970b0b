import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended, Stream } from '../../stream/stream.ts'

/** The stream, or what an append to it cannot do without, is not there. Anything else is an answer, and the caller's to hear. */
const AWAY = new Set<string>(['STREAM_UNAVAILABLE', 'APPEND_UNKNOWN', 'TRACE_UNAVAILABLE'])

/**
 * Whether an append failed because the stream is away. OVERLOADED is not away: it is there and behind, and data that were spilled
 * for it would come back on top of its load.
 */
export function isAway(error: unknown): boolean {
  return isMillraceError(error) && AWAY.has(error.code)
}

/**
 * Appends, and waits for the answer no longer than `ms`. A connection whose other end has gone (half-open) says nothing at all, and a late answer
 * is ignored: the data may be in the stream then, as copies of what the log will send.
 * @throws APPEND_UNKNOWN where there was no answer.
 */
export async function appendWithin(
  stream: Pick<Stream, 'append'>,
  batches: readonly AppendBatch[],
  clock: Clock,
  ms: number,
): Promise<Appended[]> {
  const appended = await answerWithin(stream.append(batches), clock, ms)
  if (appended === undefined) throw unanswered(ms)
  return appended
}

/** Waits for an append's answer no longer than `ms`; undefined where there is none by then. @throws what it answers; the signal's reason once it aborts. */
export function answerWithin(answer: Promise<Appended[]>, clock: Clock, ms: number, signal?: AbortSignal): Promise<Appended[] | undefined> {
  return new Promise((resolve, reject) => {
    const settled = () => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve(undefined)
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    answer.then(
      appended => {
        settled()
        resolve(appended)
      },
      error => {
        settled()
        reject(error)
      },
    )
  })
}

export function unanswered(ms: number): MillraceError {
  return new MillraceError('APPEND_UNKNOWN', `The stream has not answered within ${ms} ms.`, {
    fix: 'Send again with the same id: what is stored already is recognised as a duplicate.',
  })
}
