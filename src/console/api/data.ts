import Type, { type Static } from 'typebox'
import { ShownDatum } from './topics.ts'

const Time = Type.String({ format: 'date-time' })

/** `GET /v1/data?id=&source=&key=&topic=&from=&to=&where=&limit=&before=`: newest first. */
export const SearchAnswer = Type.Object({
  data: Type.Array(ShownDatum),
  looked_at: Type.Integer({ description: 'Data read to find these.' }),
  more: Type.Union([Type.String(), Type.Null()], {
    description: 'It stopped before it had seen everything: ask again with this as `before`. Null when there is no more.',
  }),
})
export type SearchAnswer = Static<typeof SearchAnswer>

/** What became of a datum by one agent: a bar of the waterfall. Times are null where they are not known. */
export const Step = Type.Object({
  agent: Type.String({ description: 'name@version, or name@version (shadow).' }),
  data_id: Type.String({ description: 'The datum handled.' }),
  topic: Type.String(),
  partition: Type.Integer(),
  offset: Type.Integer(),
  state: Type.String({ description: 'waiting, in_hand, done, dead, or what the trace says else.' }),
  appended: Type.Union([Time, Type.Null()]),
  claimed: Type.Union([Time, Type.Null()]),
  finished: Type.Union([Time, Type.Null()]),
  waited_ms: Type.Union([Type.Number(), Type.Null()]),
  took_ms: Type.Union([Type.Number(), Type.Null()], { description: 'From the claim until it was durable: handler and store.' }),
  attempts: Type.Union([Type.Integer(), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
  letter: Type.Union([Type.Integer(), Type.Null()]),
  outputs: Type.Array(Type.Object({ data_id: Type.String(), topic: Type.String() })),
  stored: Type.Union([Type.Null(), Type.Object({ where: Type.String(), row: Type.Union([Type.Integer(), Type.Null()]) })], {
    description: 'Where a storage agent has put it: the file, or the table and the key, as far as its store can say.',
  }),
})
export type Step = Static<typeof Step>

/** `GET /v1/data/:id`: a datum's life, and that of what came of it, in one answer. */
export const Life = Type.Object({
  data_id: Type.String(),
  source: Type.String(),
  created: Time,
  accepted: Time,
  data: Type.Array(ShownDatum, { description: 'The datum, its ancestors and its descendants: at most 200, the nearest first.' }),
  links: Type.Array(
    Type.Object({
      from: Type.String(),
      to: Type.String(),
      by: Type.Union([Type.String(), Type.Null()], {
        description: 'The agent that made it when it handled this parent. Null for the rest of a window, and where it is not known.',
      }),
    }),
    { description: 'Parent to child.' },
  ),
  steps: Type.Array(Step, {
    description: 'Of the datum, of its descendants, and those that made it. What else became of its ancestors is their life. By time.',
  }),
  forgotten: Type.Array(Type.String(), { description: 'Relatives that the log does not hold any more.' }),
  truncated: Type.Boolean(),
})
export type Life = Static<typeof Life>
