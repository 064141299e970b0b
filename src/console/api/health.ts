import Type, { type Static } from 'typebox'

const Time = Type.String({ format: 'date-time' })

/** One `slo` of the pipeline: of the data of `from`, a `share` is to be at `to` within a time. */
export const Slo = Type.Object({
  name: Type.String({ description: '"demand → dispatch".' }),
  from: Type.String(),
  to: Type.String({ description: 'A topic, or a storage agent.' }),
  within_seconds: Type.Number(),
  share: Type.Number({ description: 'The objective, such as 0.99.' }),
  /** Data that wait on the path for longer than `within` now: in the shares below they are bad until they arrive. */
  overdue: Type.Integer(),
  /** Over the last hour; null before the first datum, and where the path ends in another process. */
  good_share: Type.Union([Type.Number(), Type.Null()]),
  p50_seconds: Type.Union([Type.Number(), Type.Null()]),
  p99_seconds: Type.Union([Type.Number(), Type.Null()]),
  /** How fast the error budget burns: 1 uses it up exactly in its period, 14.4 uses 2 % of thirty days' in an hour. */
  burn: Type.Object({ five_minutes: Type.Union([Type.Number(), Type.Null()]), hour: Type.Union([Type.Number(), Type.Null()]) }),
  budget_left: Type.Union([Type.Number(), Type.Null()], {
    description: 'Share of the budget that is left, of the time since this process started, thirty days at most; negative when overdrawn.',
  }),
  missed: Type.Boolean({
    description: 'It burns at 14.4 or more in both windows, or half of the data are late where the budget is too large for that.',
  }),
})
export type Slo = Static<typeof Slo>

/** A canary’s last way along a path. */
export const Canary = Type.Object({
  path: Type.String({ description: '"demand → forecast@2 → demand-prediction".' }),
  last: Type.Union([Time, Type.Null()]),
  seconds: Type.Union([Type.Number(), Type.Null()]),
  overdue: Type.Boolean(),
})
export type Canary = Static<typeof Canary>

/** `GET /v1/health`. */
export const HealthAnswer = Type.Object({
  ready: Type.Boolean(),
  parts: Type.Array(Type.Object({ part: Type.String(), ok: Type.Boolean(), reason: Type.Union([Type.String(), Type.Null()]) })),
  ledger: Type.Object({ balanced: Type.Boolean(), gaps: Type.Integer(), lost: Type.Integer() }),
  slos: Type.Array(Slo),
  canaries: Type.Array(Canary),
  engine: Type.Object({
    stream: Type.String(),
    trace: Type.String(),
    disk_bytes: Type.Union([Type.Integer(), Type.Null()]),
    disk_free_bytes: Type.Union([Type.Integer(), Type.Null()]),
  }),
  process: Type.Object({
    cpu: Type.Number({ description: 'Cores in use.' }),
    memory_bytes: Type.Integer(),
    event_loop: Type.Number({ description: 'Share of the time that the main thread is busy.' }),
    started: Time,
    version: Type.String(),
  }),
})
export type HealthAnswer = Static<typeof HealthAnswer>
