import Type, { type Static } from 'typebox'

const Time = Type.String({ format: 'date-time' })
const Count = Type.Integer({ minimum: 0 })

/** What came of what a producer sent, since this front end started. */
export const Producer = Type.Object({
  source: Type.String({ description: 'As its key names it; sources beyond the first 1,000 are counted together as "(others)".' }),
  received: Type.Integer({ description: 'Data: rejected, duplicate, accepted and retry together.' }),
  rejected: Count,
  duplicate: Count,
  accepted: Count,
  retry: Count,
  refused_requests: Type.Integer({
    description: 'Requests that were refused whole, such as for their size or their rate: how many data they held is not known.',
  }),
  /** How far what it sent is stored, topic by topic: storage agents know positions, and not whose datum is where. */
  topics: Type.Array(
    Type.Object({
      topic: Type.String(),
      accepted: Count,
      stores: Type.Array(
        Type.Object({
          agent: Type.String({ description: 'The storage agent that reads it, as name@version.' }),
          waiting: Type.Integer({ description: 'Data of the topic, of all producers, that it has not stored yet.' }),
          until: Type.Union([Time, Type.Null()], {
            description:
              'Everything accepted before is stored, or in its dead letters. Null before the agent has a place, and while data wait in the front end’s spill.',
          }),
        }),
      ),
    }),
  ),
  accepted_per_second: Type.Number(),
  last_seen: Type.Union([Time, Type.Null()]),
  /** Why data were rejected: the last of each reason. */
  reasons: Type.Array(
    Type.Object({
      reason: Type.String({ description: 'Topic, path and message of the first issue, or the error’s code.' }),
      count: Count,
      at: Time,
      sample: Type.Union([Type.String(), Type.Null()], {
        description:
          'The first 512 characters of such a datum, masked fields left out. Null of what is no text, of a request refused whole, and of what cannot be read and so not be masked.',
      }),
    }),
  ),
})
export type Producer = Static<typeof Producer>

/** `GET /v1/producers`: those seen, the busiest first. */
export const ProducersAnswer = Type.Object({
  since: Time,
  front_end: Type.Boolean({ description: 'Whether this process has a front end: that one alone knows who sent what to it.' }),
  producers: Type.Array(Producer),
})
export type ProducersAnswer = Static<typeof ProducersAnswer>

/** A key without its secret. */
export const Key = Type.Object({
  id: Type.String(),
  source: Type.String(),
  topics: Type.Union([Type.Array(Type.String()), Type.Literal('*')]),
  created: Time,
  expires: Type.Union([Time, Type.Null()]),
  revoked: Type.Union([Time, Type.Null()]),
  rotates: Type.Union([Type.String(), Type.Null()], { description: 'The id of the key whose rights it took over.' }),
  last_seen: Type.Union([Time, Type.Null()], { description: 'When its source last sent something, since this front end started.' }),
})
export type Key = Static<typeof Key>

/**
 * `GET /v1/keys`, where the front end is. `POST /v1/keys {source, topics: ['demand'] | '*', expires?: '30d'}` and
 * `POST /v1/keys/:id/rotate {grace?: '1h'}` answer a {@link NewKey}, `POST /v1/keys/:id/revoke` a Key.
 */
export const KeysAnswer = Type.Object({
  keyless: Type.Boolean({ description: 'No key was ever added: every program on this machine may send.' }),
  keys: Type.Array(Key, { description: 'The newest first; of those revoked the last hundred.' }),
})
export type KeysAnswer = Static<typeof KeysAnswer>

/** The only time that the secret is shown. */
export const NewKey = Type.Object({ key: Type.String(), record: Key })
export type NewKey = Static<typeof NewKey>
