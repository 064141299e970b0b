import { MillraceError } from '../errors.ts'
import { readRuntimeFile } from '../runtime/runtime-file.ts'
import { errorOfProblem, reasonOf } from './problem.ts'

const TIMEOUT_MS = 30_000

/** URL of the operators' listener of the process that runs on a data directory; undefined where none does. */
export function operatorsOf(directory: string): string | undefined {
  return readRuntimeFile(directory)?.ops
}

/** Asks a running process, with a body to change something. @throws SERVER_UNREACHABLE, and whatever the process answers. */
export async function askOperators(url: string, path: string, body?: object): Promise<unknown> {
  let response: Response
  let text: string
  try {
    response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    text = await response.text()
  } catch (cause) {
    throw new MillraceError('SERVER_UNREACHABLE', `The running process does not answer at ${url}: ${reasonOf(cause)}.`, {
      fix: 'It may be starting or stopping: try again.',
      cause,
    })
  }
  if (!response.ok) throw errorOfProblem(url, response.status, text)
  return JSON.parse(text)
}
