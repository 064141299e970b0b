import { MillraceError } from '../errors.ts'
import { readRuntimeFile } from '../runtime/runtime-file.ts'
import type { Shared } from './command.ts'
import { errorOfProblem, reasonOf } from './problem.ts'
import { configOf } from './view.ts'

const TIMEOUT_MS = 30_000

/** The operators' listener of a process, and what opens it. */
export interface Operators {
  readonly url: string
  /** `Bearer …`, where there is something to send. */
  readonly authorization?: string
}

/**
 * Of the process that runs on a data directory; undefined where none does. Whoever may read the directory gets in by what is in it; with
 * MILLRACE_OPS_TOKEN as whom that token names.
 */
export function operatorsOf(directory: string): Operators | undefined {
  const runtime = readRuntimeFile(directory)
  return runtime === undefined ? undefined : operatorsAt(runtime.ops, process.env.MILLRACE_OPS_TOKEN || runtime.pass)
}

/**
 * The same, where it takes one that runs.
 * @param why it does, as the sentence `No process runs on ./data` ends. @param fix what to do. @throws SERVER_UNREACHABLE where none runs
 */
export function runningOperators(directory: string, why: string, fix: string): Operators {
  const operators = operatorsOf(directory)
  if (operators !== undefined) return operators
  throw new MillraceError('SERVER_UNREACHABLE', `No process runs on ${directory}${why}.`, { fix })
}

/** Asks the process that runs here what a running one alone knows. @param why it does. @throws SERVER_UNREACHABLE, and whatever it answers */
export async function askHere(options: Shared, path: string, why: string): Promise<unknown> {
  const { data } = await configOf(options)
  const fix = `Name the data directory of one that runs with --data, or ask its operators’ listener: GET ${path}.`
  return askOperators(runningOperators(data, `: ${why}`, fix), path)
}

/** @param token undefined: that of MILLRACE_OPS_TOKEN, if it is set. */
export function operatorsAt(url: string, token = process.env.MILLRACE_OPS_TOKEN): Operators {
  return token === undefined || token === '' ? { url } : { url, authorization: `Bearer ${token}` }
}

/** Asks a running process, with a body to change something. @throws SERVER_UNREACHABLE, and whatever the process answers. */
export async function askOperators({ url, authorization }: Operators, path: string, body?: object): Promise<unknown> {
  const credentials = authorization === undefined ? {} : { authorization }
  let response: Response
  let text: string
  try {
    response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
      ...(body === undefined
        ? { headers: credentials }
        : { method: 'POST', headers: { ...credentials, 'content-type': 'application/json' }, body: JSON.stringify(body) }),
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
