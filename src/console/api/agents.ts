import Type, { type Static } from 'typebox'
import { AgentNode } from './overview.ts'

const Time = Type.String({ format: 'date-time' })

/** A line that an agent said, or that was said of it. */
export const LogLine = Type.Object({
  at: Time,
  level: Type.Union([Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')]),
  text: Type.String(),
})
export type LogLine = Static<typeof LogLine>

export const AgentAction = Type.Enum(['pause', 'resume', 'promote', 'ramp', 'decommission', 'recommission'])
export type AgentAction = Static<typeof AgentAction>

/** `GET /v1/agents/:agent` (its name, or one version: forecast@2): its versions side by side, the newest first. */
export const AgentAnswer = Type.Object({
  agent: Type.String(),
  versions: Type.Array(
    Type.Object({
      group: Type.String({ description: 'name@version, _shadow.name@version.' }),
      ...AgentNode.properties,
      replaces: Type.Union([Type.Integer(), Type.Null()]),
      in_hand: Type.Array(Type.Object({ replica: Type.Integer(), count: Type.Integer(), since: Time }), {
        description:
          'What each of this process’s threads has in hand, and since when the oldest. Storage agents gather, and tell it by in_flight.',
      }),
      /** Its last failures, newest first: of dead letters that wait for a person, 20 at most. */
      errors: Type.Array(Type.Object({ at: Time, letter: Type.Integer(), data_id: Type.String(), message: Type.String() })),
      /** The last lines of its log in this process, newest last, 200 at most: what its programs write to stderr, and what was said of it. */
      log: Type.Array(LogLine),
      actions: Type.Array(AgentAction, { description: 'What makes sense now; recommission is `millrace decommission --undo`.' }),
    }),
  ),
})
export type AgentAnswer = Static<typeof AgentAnswer>

/** `POST /v1/agents/pause` and `/v1/agents/resume` with `{agent: 'forecast@2', by?}`. */
export const PauseAnswer = Type.Object({
  decided: Type.Union([Type.Literal('pause'), Type.Literal('resume')]),
  agent: Type.String(),
  version: Type.Integer(),
  by: Type.String(),
  at: Time,
})
export type PauseAnswer = Static<typeof PauseAnswer>

/** A field of two versions' outputs, or the whole of them where it has no name. Lengths and numbers are off by so much; the bias is second − first. */
const ComparedField = Type.Object({
  field: Type.String(),
  numbers: Type.Integer({ description: 'Pairs in which both have a number there.' }),
  mean: Type.Number(),
  max: Type.Number(),
  bias: Type.Number(),
  different: Type.Integer({ description: 'Pairs in which something else than a number differs.' }),
})

/** What two versions put out into one topic. */
export const ComparedTopic = Type.Object({
  topic: Type.String(),
  pairs: Type.Integer(),
  equal: Type.Integer(),
  equal_share: Type.Union([Type.Number(), Type.Null()]),
  only_first: Type.Integer(),
  only_second: Type.Integer(),
  unknown: Type.Integer({ description: 'Outputs that could not be paired.' }),
  fields: Type.Array(ComparedField),
  examples: Type.Array(Type.Object({ data_id: Type.String(), index: Type.Integer(), values: Type.Array(Type.Unknown()) }), {
    description: 'The largest differences.',
  }),
})
export type ComparedTopic = Static<typeof ComparedTopic>

/** `GET /v1/compare?first=&second=&last=10m`: outputs of two versions, datum by datum, as `millrace compare --json`. */
export const CompareAnswer = Type.Object({
  versions: Type.Array(Type.Object({ agent: Type.String(), shadow: Type.Boolean() })),
  handled: Type.Integer(),
  compared: Type.Integer(),
  topics: Type.Array(ComparedTopic),
})
export type CompareAnswer = Static<typeof CompareAnswer>
