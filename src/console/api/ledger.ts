import Type, { type Static } from 'typebox'

const Offset = Type.Integer({ minimum: 0 })
const Count = Type.Integer({ minimum: 0 })

/** What an agent was given in a partition, and what became of it: committed − first = done + dead + duplicate + lost. */
export const LedgerRow = Type.Object({
  agent: Type.String(),
  version: Type.Integer(),
  topic: Type.String(),
  partition: Type.Integer(),
  first: Offset,
  committed: Offset,
  done: Count,
  dead: Count,
  duplicate: Count,
  lost: Count,
  gap: Type.Integer({ description: '0, or something is wrong.' }),
  behind: Count,
  expired: Type.Integer({ description: 'Of those behind: deleted by retention, and to be counted as lost.' }),
  lag_seconds: Type.Number(),
  rolling: Type.Optional(Type.Object({ first: Offset, end: Offset }, { description: 'Files that are being written.' })),
  replaced_by: Type.Optional(Type.String()),
})
export type LedgerRow = Static<typeof LedgerRow>

/** `GET /v1/ledger`. */
export const LedgerAnswer = Type.Object({
  balanced: Type.Boolean(),
  at: Type.String({ format: 'date-time' }),
  rows: Type.Array(LedgerRow),
})
export type LedgerAnswer = Static<typeof LedgerAnswer>
