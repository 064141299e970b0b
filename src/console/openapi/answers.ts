import Type, { type TSchema } from 'typebox'
import { AgentState, DiagnosisState } from '../api/overview.ts'

const Time = Type.String({ format: 'date-time' })
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** What the commands read, too: shapes of answers that are older than the console. */
const Rates = {
  handled_per_second: Type.Number(),
  outputs_per_second: Type.Number(),
  dead_per_second: Type.Number(),
  retries_per_second: Type.Number(),
  busy: Type.Number({ description: 'Share of the time with something in hand, added up over replicas.' }),
  handler_seconds: Type.Object({ p50: nullable(Type.Number()), p99: nullable(Type.Number()) }),
  in_flight: Type.Integer(),
  in_flight_seconds: Type.Number(),
}

const Ingest = Type.Object({
  accepted_per_second: Type.Number(),
  duplicate_per_second: Type.Number(),
  rejected_per_second: Type.Number(),
  retry_per_second: Type.Number(),
  bytes_per_second: Type.Number(),
})

export const TopicsAnswer = Type.Object({
  at: Time,
  pipeline: nullable(Type.String()),
  topics: Type.Array(
    Type.Object({
      topic: Type.String(),
      internal: Type.Boolean({ description: 'Millrace’s own.' }),
      partitions: Type.Array(Type.Object({ partition: Type.Integer(), first: Type.Integer(), next: Type.Integer() })),
      appended: Type.Integer(),
      retained: Type.Integer(),
      in_per_second: Type.Number(),
      ingest: nullable(Ingest),
      retention_seconds: nullable(Type.Number()),
      retention_bytes: nullable(Type.Integer()),
      written_by: Type.Array(Type.String()),
      read_by: Type.Array(Type.String()),
    }),
  ),
})

export const AgentsAnswer = Type.Object({
  at: Time,
  agents: Type.Array(
    Type.Object({
      agent: Type.String(),
      version: Type.Integer(),
      shadow: Type.Optional(Type.Boolean()),
      ramp: Type.Optional(Type.Number()),
      kind: nullable(Type.String()),
      state: AgentState,
      reason: Type.Optional(nullable(Type.String())),
      replaced_by: Type.Optional(Type.String()),
      by: Type.Optional(Type.String()),
      since: Type.Optional(Time),
      diagnosis: nullable(Type.Object({ state: DiagnosisState, words: Type.String() })),
      replicas: nullable(Type.Object({ of: Type.String(), wanted: Type.Integer(), threads: Type.Integer(), restarts: Type.Integer() })),
      from: Type.Array(Type.String()),
      to: Type.Array(Type.Object({ kind: Type.String(), name: Type.String() })),
      store: nullable(Type.String()),
      done: Type.Integer(),
      dead: Type.Integer(),
      duplicate: Type.Integer(),
      lost: Type.Integer(),
      lag: Type.Integer(),
      lag_seconds: Type.Number(),
      gap: Type.Integer(),
      letters_expired: Type.Integer(),
      ...Rates,
    }),
  ),
})

export const FlowAnswer = Type.Object({
  at: Time,
  window_seconds: Type.Number(),
  front_end: Ingest,
  topics: Type.Array(Type.Object({ topic: Type.String(), in_per_second: Type.Number() })),
  agents: Type.Array(
    Type.Object({
      agent: Type.String(),
      version: Type.Integer(),
      shadow: Type.Optional(Type.Boolean()),
      lag: Type.Integer(),
      lag_seconds: Type.Number(),
      ...Rates,
    }),
  ),
})

const Placed = { topic: Type.String(), partition: Type.Integer(), offset: Type.Integer(), appended: Time }

export const TraceAnswer = Type.Object({
  data_id: Type.String(),
  source: Type.String(),
  created: Time,
  accepted: Time,
  positions: Type.Array(Type.Object(Placed)),
  parents: Type.Array(Type.String()),
  agents: Type.Array(
    Type.Object({
      agent: Type.String(),
      version: Type.Integer(),
      topic: Type.String(),
      partition: Type.Integer(),
      offset: Type.Integer(),
      replay: Type.Boolean(),
      state: Type.String(),
    }),
  ),
  truncated: Type.Boolean(),
})

export const LineageAnswer = Type.Object({
  data_id: Type.String(),
  data: Type.Array(Type.Object({ data_id: Type.String(), source: Type.String(), created: Time, ...Placed })),
  links: Type.Array(Type.Object({ parent: Type.String(), child: Type.String(), handled: Type.Boolean() })),
  forgotten: Type.Array(Type.String()),
  truncated: Type.Boolean(),
})

export const CacheAnswer = Type.Object({
  name: Type.String(),
  revision: Type.Integer(),
  entries: Type.Record(Type.String(), Type.Unknown(), { description: 'The latest value of every key.' }),
})

export const CacheEntryAnswer = Type.Object({
  name: Type.String(),
  key: Type.String(),
  revision: Type.Integer(),
  updated: Time,
  value: Type.Unknown(),
})

export const ReplaysAnswer = Type.Object({
  replays: Type.Array(
    Type.Object({
      replay: Type.Integer(),
      agent: Type.String(),
      version: Type.Integer(),
      by: Type.String(),
      started: Time,
      heard: Time,
      what: Type.String(),
      rate: nullable(Type.Number()),
      state: Type.Enum(['open', 'interrupted', 'complete', 'cut off']),
      unread: Type.Integer(),
    }),
  ),
})

export const Report = Type.Object({
  ok: Type.Boolean(),
  reasons: Type.Array(Type.String()),
  parts: Type.Array(Type.Object({ part: Type.String(), ok: Type.Boolean(), reason: Type.Optional(Type.String()) })),
})

export const DecisionAnswer = Type.Object({
  decided: Type.Enum(['promote', 'ramp', 'decommission', 'recommission', 'drained', 'pause', 'resume']),
  by: Type.Optional(Type.String()),
  at: Time,
})
