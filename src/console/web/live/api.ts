import type { Session } from '../../api/session.ts'
import { session } from './session.ts'

export interface Issue {
  readonly path: string
  readonly message: string
}

/** An error as the listener answers it, RFC 9457. `message` says what happened and what to do. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  /** Where it is a datum that is wrong: what is wrong with it, and where. */
  readonly issues: readonly Issue[]

  constructor(status: number, code: string, message: string, issues: readonly Issue[] = []) {
    super(message)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
    this.issues = issues
  }
}

/** Asks who is logged in: at the start, after a log-in or a log-out, and where the listener does not know this one any more. */
export async function askSession(): Promise<void> {
  try {
    session.value = await get<Session>('/v1/session')
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    // 401 is noted by ask(). Who does not answer has not said that anybody is logged out.
  }
}

/** @throws ApiProblem with what the listener says, or that it does not answer. */
export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(path, signal === undefined ? {} : { signal })
}

/** A change. @throws ApiProblem */
export function post<Answer>(path: string, body: unknown = {}, method: 'POST' | 'DELETE' = 'POST'): Promise<Answer> {
  const csrf = session.value?.csrf ?? null
  const headers = { 'content-type': 'application/json', ...(csrf === null ? {} : { 'x-csrf-token': csrf }) }
  return ask<Answer>(path, { method, headers, body: JSON.stringify(body) })
}

/** A stream of text, until it ends or is aborted, such as server-sent events. @throws ApiProblem where the listener refuses it, or breaks off. */
export async function* open(path: string, signal: AbortSignal): AsyncGenerator<string, void> {
  const { body } = await answered(path, { signal })
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await answered(path, init)
  return response.status === 204 ? (undefined as Answer) : ((await response.json()) as Answer) // shapes: src/console/api
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new ApiProblem(0, 'SERVER_UNREACHABLE', 'The pipeline does not answer. See that it runs; this page tries again by itself.')
  }
  if (response.ok) return response
  // The log-in has ended, or there was none: the log-in view takes the page's place.
  if (response.status === 401) session.value = null
  throw await problemIn(response)
}

async function problemIn(response: Response): Promise<ApiProblem> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const said: { code?: string; title?: string; detail?: string; issues?: Issue[] } = isProblem ? await response.json() : {}
  const { code = 'UNKNOWN', title = response.statusText, detail = title, issues = [] } = said
  return new ApiProblem(response.status, code, detail, issues)
}
