import type { Session } from '../../api/session.ts'

/** An error as the listener answers it, RFC 9457. `message` says what happened and what to do. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiProblem'
    this.status = status
    this.code = code
  }
}

let session: Promise<Session> | undefined

/** Who is logged in; asked once, and again after a log-in or a log-out. */
export function sessionOf(): Promise<Session> {
  session ??= get<Session>('/v1/session')
  return session
}

export function forgetSession(): void {
  session = undefined
}

/** @throws ApiProblem with what the listener says, or that it does not answer. */
export function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(path, signal === undefined ? {} : { signal })
}

/** A change. @throws ApiProblem */
export async function post<Answer>(path: string, body: unknown, method: 'POST' | 'DELETE' = 'POST'): Promise<Answer> {
  const csrf = (await sessionOf()).csrf
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
  throw await problemIn(response)
}

async function problemIn(response: Response): Promise<ApiProblem> {
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const said: { code?: string; title?: string; detail?: string } = isProblem ? await response.json() : {}
  const { code = 'UNKNOWN', title = response.statusText, detail = title } = said
  return new ApiProblem(response.status, code, detail)
}
