import Type, { type Static } from 'typebox'

/** viewer: sees everything that is not masked. operator: changes things, too. */
export const Role = Type.Union([Type.Literal('viewer'), Type.Literal('operator')])
export type Role = Static<typeof Role>

/** `GET /v1/session`: who asks, and what that one may do. */
export const Session = Type.Object({
  user: Type.String({ description: 'As it stands in the audit log: "local" without a log-in.' }),
  role: Role,
  log_in: Type.Union([Type.Literal('none'), Type.Literal('token'), Type.Literal('oidc')], { description: 'How one logs in here.' }),
  csrf: Type.Union([Type.String(), Type.Null()], {
    description: 'To be sent as x-csrf-token with every change that a cookie answers for; null where there is no cookie.',
  }),
})
export type Session = Static<typeof Session>

/** One line of the audit log: every action, refused ones too. */
export const Audited = Type.Object({
  at: Type.String({ format: 'date-time' }),
  user: Type.String(),
  role: Role,
  from: Type.String({ description: 'Address of the client.' }),
  action: Type.String({ description: 'Method and route, such as "POST /v1/dead/replay".' }),
  what: Type.String({ description: 'Which letters, which agent, as the request named them; never a payload.' }),
  status: Type.Integer({ description: 'The HTTP status of the answer.' }),
})
export type Audited = Static<typeof Audited>

/** `GET /v1/audit?limit=`: newest first. */
export const AuditAnswer = Type.Object({ actions: Type.Array(Audited) })
export type AuditAnswer = Static<typeof AuditAnswer>
