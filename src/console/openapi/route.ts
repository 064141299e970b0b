import Type, { type TSchema } from 'typebox'

/** What a route is asked with and answers, as `/openapi.json` says it and `GET /` lists it. The routes check what they are given themselves. */
export interface DocumentedRoute {
  readonly summary: string
  /** By name: what each is. Everything in a URL is text, and may be left out. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: TSchema
  /** JSON of this shape; or text of this media type. */
  readonly answer: TSchema | string
}

/** By method and path, the path as the server has it. */
export type DocumentedRoutes = Readonly<Record<string, DocumentedRoute>>

/** RFC 9457, as every error is answered. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: 'Stable: what programs go by.' }),
  detail: Type.String({ description: 'What happened, and what to do.' }),
})

export const EVENTS = 'text/event-stream'
export const TEXT = 'text/plain'
