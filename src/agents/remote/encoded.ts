import { Timestamp } from '../../envelope/timestamp.ts'
import type { Job } from '../remote.ts'
import { RemoteError } from './messages.ts'

const timestamp = new Timestamp()

/**
 * The datum as a program gets it, in JSON: docs/protocol.md has its fields.
 * @param n names it in answers: unique among all that one process is given; in a request its place there, from 0.
 * @throws RemoteError where it cannot be written: it would be the same another time.
 */
export function encoded(n: number, job: Job): string {
  const { dataId, source, createdMs, topic, attempt, window, state } = job
  try {
    return (
      // Of what needs no escaping, no object is made to be written.
      `{"n":${n},"data_id":"${dataId}","source":${JSON.stringify(source)},"created":"${timestamp.of(createdMs)}",` +
      `"topic":"${topic}","attempt":${attempt}${dataOf(job)}` +
      `${window.length === 0 ? '' : `,"window":${JSON.stringify(window)}`}` +
      `${state === undefined ? '' : memberOf('state', state)}}`
    )
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RemoteError('TypeError', `The datum cannot be written as JSON for the program: ${why}.`, undefined, false)
  }
}

function dataOf({ datum }: Job): string {
  if (datum instanceof Uint8Array) return `,"data_base64":"${Buffer.from(datum).toString('base64')}"`
  return memberOf('data', datum)
}

/** Nothing where JSON has no word for it. */
function memberOf(name: string, value: unknown): string {
  const json = JSON.stringify(value) as string | undefined
  return json === undefined ? '' : `,"${name}":${json}`
}
