import Type, { type Static } from 'typebox'

/** A number a second, over the last ten seconds. */
const PerSecond = Type.Number({ minimum: 0 })
const Seconds = Type.Number({ minimum: 0 })

export const AgentState = Type.Enum([
  'running',
  'down',
  'elsewhere',
  'replaced',
  'decommissioned',
  'promoted',
  'draining',
  'paused',
  'removed',
])
/** How an agent is, as `instrumentation/diagnosis.ts` judges. */
export const DiagnosisState = Type.Enum(['hung', 'poisoned', 'no_process', 'blocked', 'starved', 'slow', 'behind', 'healthy', 'paused'])

/** A topic as Flow draws it. */
export const TopicNode = Type.Object({
  partitions: Type.Integer(),
  entry: Type.Boolean({ description: 'Producers send to it: no agent writes it.' }),
  in_per_second: PerSecond,
  retained: Type.Integer({ description: 'Data in the log.' }),
  retention_seconds: Type.Optional(Type.Number({ minimum: 0, description: 'Left out where nothing expires by its age.' })),
})
export type TopicNode = Static<typeof TopicNode>

/** An edge from a topic to an agent: how far that one is in it. */
export const Reading = Type.Object({
  lag: Type.Integer({ description: 'Data that wait.' }),
  lag_seconds: Type.Number({ description: 'Age of the oldest that waits.' }),
  per_second: Type.Number({ minimum: 0, description: 'Data that the agent has got past, whichever process did it.' }),
  full: Type.Number({
    minimum: 0,
    maximum: 1,
    description:
      'How near the worst partition is to losing what waits, by age or by size: 0 nothing waits, 1 the oldest that waits expires.',
  }),
})
export type Reading = Static<typeof Reading>

export const AgentNode = Type.Object({
  agent: Type.String(),
  version: Type.Integer(),
  shadow: Type.Boolean(),
  kind: Type.Optional(Type.Union([Type.Literal('agent'), Type.Literal('storage-agent')], { description: 'Of one that is declared.' })),
  state: AgentState,
  diagnosis: Type.Optional(Type.Object({ state: DiagnosisState, words: Type.String() })),
  from: Type.Record(Type.String(), Reading, { description: 'By topic.' }),
  to: Type.Array(Type.Object({ kind: Type.Union([Type.Literal('topic'), Type.Literal('cache')]), name: Type.String() })),
  store: Type.Optional(Type.String({ description: 'Of a storage agent: where it stores.' })),
  ramp: Type.Optional(Type.Number({ description: 'The share of another version’s keys that it gets; it works at that one’s place.' })),
  handled_per_second: PerSecond,
  outputs_per_second: PerSecond,
  dead_per_second: PerSecond,
  busy: Type.Number(),
  handler_seconds: Type.Object({ p50: Type.Optional(Seconds), p99: Type.Optional(Seconds) }),
  in_flight: Type.Integer(),
  in_flight_seconds: Seconds,
  replicas: Type.Optional(
    Type.Object(
      { of: Type.String(), wanted: Type.Integer(), threads: Type.Integer(), restarts: Type.Integer() },
      { description: 'Of this process; left out where others run the agent.' },
    ),
  ),
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
 * What the console shows live. The first event of `GET /v1/events` (`overview`) is all of it, and so is one that comes after a reader was too slow;
 * each other one (`change`, once a second at most) is an RFC 7396 merge patch: names that are null are gone, arrays are replaced whole. So nothing
 * in it is ever null: what is not known is left out. `problem`: it could not be made (RFC 9457), and an `overview` follows once it can.
 */
export const Overview = Type.Object({
  at: Type.String({ format: 'date-time' }),
  pipeline: Type.Optional(Type.String()),
  front_end: FrontEndNode,
  topics: Type.Record(Type.String(), TopicNode, {
    description: 'By name. Of Millrace’s own only those between two agents: windows and pairs that are gathered, and what shadows write.',
  }),
  agents: Type.Record(Type.String(), AgentNode, { description: 'By group: name@version, _shadow.name@version.' }),
  ready: Type.Boolean(),
  /** Why it is not ready. */
  reasons: Type.Array(Type.String()),
  dead_letters: Type.Integer({ description: 'Those that wait for a person.' }),
  advice: Type.Integer({ description: 'How many pieces of advice there are.' }),
  slos_missed: Type.Integer(),
})
export type Overview = Static<typeof Overview>
