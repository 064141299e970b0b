import Type, { type Static } from 'typebox'

/** viewer: sees everything that is not masked. operator: changes things, too. */
export const Role = Type.Union([Type.Literal('viewer'), Type.Literal('operator')])
export type Role = Static<typeof Role>

/**
 * `GET /v1/session`: who asks, and what that one may do. `POST /v1/session {token}` logs a browser in and answers the same, `DELETE /v1/session`
 * logs it out. `POST /v1/session/code` answers a {@link LogInCode} to a program that is logged in.
 */
export const Session = Type.Object({
  user: Type.String({ description: 'As it stands in the audit log: "local" without a log-in.' }),
  role: Role,
  log_in: Type.Union([Type.Literal('none'), Type.Literal('token'), Type.Literal('oidc')], { description: 'How one logs in here.' }),
  csrf: Type.Union([Type.String(), Type.Null()], {
    description: 'To be sent as x-csrf-token with every change that a cookie answers for; null where there is no cookie.',
  }),
})
export type Session = Static<typeof Session>

/** A link that logs a browser in once, within a minute. */
export const LogInCode = Type.Object({ path: Type.String({ description: '/auth/code/…, of this listener.' }) })
export type LogInCode = Static<typeof LogInCode>

/** One line of the audit log: every action, refused ones too. */
export const Audited = Type.Object({
  at: Type.String({ format: 'date-time' }),
  user: Type.String({ description: 'Who is logged in; "nobody" where a log-in was refused.' }),
  role: Type.Union([Role, Type.Null()]),
  from: Type.String({ description: 'Address of the client, as this listener sees it: a proxy’s where there is one.' }),
  action: Type.String({ description: 'Method and route, such as "POST /v1/dead/replay".' }),
  what: Type.String({ description: 'Which letters, which agent, as the request named them; never a payload.' }),
  status: Type.Integer({ description: 'The HTTP status of the answer.' }),
})
export type Audited = Static<typeof Audited>

/** `GET /v1/audit?limit=`: newest first. */
export const AuditAnswer = Type.Object({ actions: Type.Array(Audited) })
export type AuditAnswer = Static<typeof AuditAnswer>
