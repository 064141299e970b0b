import Type, { type Static } from 'typebox'

/** A number a second, over the last ten seconds. */
const PerSecond = Type.Number({ minimum: 0 })
const Seconds = Type.Number({ minimum: 0 })

export const AgentState = Type.Union(
  (['running', 'down', 'elsewhere', 'replaced', 'decommissioned', 'promoted', 'draining', 'paused', 'removed'] as const).map(state =>
    Type.Literal(state),
  ),
)
/** How an agent is, as `instrumentation/diagnosis.ts` judges. */
export const DiagnosisState = Type.Union(
  (['hung', 'poisoned', 'no_process', 'blocked', 'starved', 'slow', 'behind', 'healthy', 'paused'] as const).map(state =>
    Type.Literal(state),
  ),
)

/** A topic as Flow draws it. */
export const TopicNode = Type.Object({
  partitions: Type.Integer(),
  entry: Type.Boolean({ description: 'Producers send to it: no agent writes it.' }),
  in_per_second: PerSecond,
  retained: Type.Integer({ description: 'Data in the log.' }),
  retention_seconds: Seconds,
})
export type TopicNode = Static<typeof TopicNode>

/** An edge from a topic to an agent: how far that one is in it. */
export const Reading = Type.Object({
  lag: Type.Integer({ description: 'Data that wait.' }),
  lag_seconds: Type.Number({ description: 'Age of the oldest that waits.' }),
  per_second: PerSecond,
  /** The worst partition's share of the log that is behind: 0 none, 1 the oldest is about to expire. */
  full: Type.Number({ minimum: 0, maximum: 1 }),
})
export type Reading = Static<typeof Reading>

export const AgentNode = Type.Object({
  agent: Type.String(),
  version: Type.Integer(),
  shadow: Type.Boolean(),
  kind: Type.Union([Type.Literal('agent'), Type.Literal('storage-agent'), Type.Null()]),
  state: AgentState,
  diagnosis: Type.Union([Type.Null(), Type.Object({ state: DiagnosisState, words: Type.String() })]),
  from: Type.Record(Type.String(), Reading, { description: 'By topic.' }),
  to: Type.Array(Type.Object({ kind: Type.Union([Type.Literal('topic'), Type.Literal('cache')]), name: Type.String() })),
  store: Type.Union([Type.Null(), Type.String()]),
  ramp: Type.Union([Type.Null(), Type.Number()]),
  handled_per_second: PerSecond,
  outputs_per_second: PerSecond,
  dead_per_second: PerSecond,
  busy: Type.Number(),
  handler_seconds: Type.Object({ p50: Type.Union([Seconds, Type.Null()]), p99: Type.Union([Seconds, Type.Null()]) }),
  in_flight: Type.Integer(),
  in_flight_seconds: Seconds,
  replicas: Type.Union([
    Type.Null(),
    Type.Object({ of: Type.String(), wanted: Type.Integer(), threads: Type.Integer(), restarts: Type.Integer() }),
  ]),
  done: Type.Integer(),
  dead: Type.Integer(),
})
export type AgentNode = Static<typeof AgentNode>

export const FrontEndNode = Type.Object({
  accepted_per_second: PerSecond,
  duplicate_per_second: PerSecond,
  rejected_per_second: PerSecond,
  retry_per_second: PerSecond,
  bytes_per_second: PerSecond,
})

/**
 * What the console shows live. The first event of `GET /v1/events` (`overview`) is all of it; each later one (`change`, once a second at most)
 * is an RFC 7396 merge patch: names that are null are gone, arrays are replaced whole.
 */
export const Overview = Type.Object({
  at: Type.String({ format: 'date-time' }),
  pipeline: Type.Union([Type.String(), Type.Null()]),
  front_end: FrontEndNode,
  topics: Type.Record(Type.String(), TopicNode, { description: 'By name, those of Millrace’s own left out.' }),
  agents: Type.Record(Type.String(), AgentNode, { description: 'By group: name@version, _shadow.name@version.' }),
  ready: Type.Boolean(),
  /** Why it is not ready. */
  reasons: Type.Array(Type.String()),
  dead_letters: Type.Integer({ description: 'Those that wait for a person.' }),
  advice: Type.Integer({ description: 'How many pieces of advice there are.' }),
  slos_missed: Type.Integer(),
})
export type Overview = Static<typeof Overview>
