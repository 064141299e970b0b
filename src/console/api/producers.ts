import Type, { type Static } from 'typebox'

const Time = Type.String({ format: 'date-time' })
const Count = Type.Integer({ minimum: 0 })

/** What came of what a producer sent, since this front end started. */
export const Producer = Type.Object({
  source: Type.String({ description: 'As its key names it; sources beyond the first 1,000 are counted together as "(others)".' }),
  received: Count,
  rejected: Count,
  duplicate: Count,
  accepted: Count,
  retry: Count,
  /** Of those accepted: done by a storage agent. Null where it cannot be told apart by source. */
  stored: Type.Union([Count, Type.Null()]),
  accepted_per_second: Type.Number(),
  last_seen: Type.Union([Time, Type.Null()]),
  /** Why data were rejected: the last of each reason. */
  reasons: Type.Array(
    Type.Object({
      reason: Type.String({ description: 'Topic, path and message of the first issue, or the error’s code.' }),
      count: Count,
      at: Time,
      sample: Type.Union([Type.String(), Type.Null()], {
        description: 'The first 512 characters of such a datum, masked fields left out.',
      }),
    }),
  ),
})
export type Producer = Static<typeof Producer>

/** `GET /v1/producers`: those seen, the busiest first. */
export const ProducersAnswer = Type.Object({ since: Time, producers: Type.Array(Producer) })
export type ProducersAnswer = Static<typeof ProducersAnswer>

/** A key without its secret. */
export const Key = Type.Object({
  id: Type.String(),
  source: Type.String(),
  topics: Type.Union([Type.Array(Type.String()), Type.Literal('*')]),
  created: Time,
  expires: Type.Union([Time, Type.Null()]),
  revoked: Type.Union([Time, Type.Null()]),
})
export type Key = Static<typeof Key>

/** `GET /v1/keys`. `POST /v1/keys {source, topics, expires?}` and `POST /v1/keys/:id/rotate` answer a {@link NewKey}, `POST /v1/keys/:id/revoke` a Key. */
export const KeysAnswer = Type.Object({ keys: Type.Array(Key) })
export type KeysAnswer = Static<typeof KeysAnswer>

/** The only time that the secret is shown. */
export const NewKey = Type.Object({ key: Type.String(), record: Key })
export type NewKey = Static<typeof NewKey>
