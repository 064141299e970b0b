import Type, { type Static } from 'typebox'

const Time = Type.String({ format: 'date-time' })

/** What to do. */
export const Decision = Type.Enum(['add_replicas', 'add_partitions', 're_engineer', 'scale_front_end', 'mend', 'wait'])
export type Decision = Static<typeof Decision>

/** Advice that stands. */
export const Advice = Type.Object({
  decision: Decision,
  cause: Type.String({ description: 'What it comes from: load, few_partitions, hot_key, slow_handler, …' }),
  about: Type.String({ description: 'name@version, or "front end".' }),
  words: Type.String({ description: 'One sentence.' }),
  arithmetic: Type.String({ description: 'The formula with its numbers in it; empty where nothing was computed.' }),
  evidence: Type.Record(Type.String(), Type.Number(), { description: 'What was measured, by name with its unit.' }),
  steps: Type.Array(Type.String(), { description: 'What to write or type, one after the other.' }),
  manifest: Type.Optional(Type.String({ description: 'Values of the Helm chart that do the same on Kubernetes, in YAML.' })),
  since: Time,
})
export type Advice = Static<typeof Advice>

/** Advice that was followed, and what came of it. */
export const Followed = Type.Object({
  about: Type.String(),
  decision: Decision,
  done: Time,
  lag_before: Type.Integer(),
  lag_after: Type.Integer(),
  helped: Type.Boolean(),
  words: Type.String(),
})
export type Followed = Static<typeof Followed>

/** `GET /v1/advice`. */
export const AdviceAnswer = Type.Object({
  at: Time,
  advice: Type.Array(Advice),
  followed: Type.Array(Followed, { description: 'The latest last; at most 20.' }),
})
export type AdviceAnswer = Static<typeof AdviceAnswer>
