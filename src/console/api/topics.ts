import Type, { type Static } from 'typebox'

/**
 * One datum as a tail, a search and a life show it. `json` where it is JSON, else `data` as Base64. Masked fields are `"•••"`. One that is larger
 * than 16,384 bytes is `cut`: `data` is the beginning of it, also where it is JSON.
 */
export const ShownDatum = Type.Object({
  topic: Type.String(),
  partition: Type.Integer(),
  offset: Type.Integer(),
  appended: Type.String({ format: 'date-time' }),
  data_id: Type.String(),
  source: Type.String(),
  created: Type.String({ format: 'date-time' }),
  key: Type.Union([Type.String(), Type.Null()]),
  content_type: Type.String(),
  parents: Type.Array(Type.String(), { description: 'The first hundred.' }),
  parent_count: Type.Integer(),
  json: Type.Optional(Type.Unknown()),
  data: Type.Optional(Type.String()),
  cut: Type.Optional(Type.Integer({ description: 'The datum is longer than what is shown: its length in bytes.' })),
})
export type ShownDatum = Static<typeof ShownDatum>

/**
 * `GET /v1/topics/:topic/tail?from=&where=&rate=` (server-sent events). `datum`: a {@link ShownDatum}. `count`, once a second: a {@link TailCount}.
 * `problem`: the topic cannot be read at the moment (RFC 9457). `where` may be repeated, as `millrace tap --where` takes it; masked fields are
 * compared as they are shown. `from`: earliest, latest (default), a time, or so long ago (10m): what was there when the tail began is shown whole,
 * as fast as `rate` and the reader allow; of what came since, what is too much is left out.
 */
export const TailCount = Type.Object({
  shown: Type.Integer({ description: 'In the last second.' }),
  matched: Type.Integer({ description: 'Of those seen: the ones that the filter lets through.' }),
  seen: Type.Integer({ description: 'Data that went by and were looked at, whether they matched or not.' }),
  skipped: Type.Integer({ description: 'Data that nobody looked at: more came than a tail may read.' }),
  behind: Type.Integer({ description: 'Data between the last that was looked at and the end.' }),
})
export type TailCount = Static<typeof TailCount>

/** `GET /v1/topics/:topic`. */
export const TopicAnswer = Type.Object({
  topic: Type.String(),
  entry: Type.Boolean(),
  keyed: Type.Boolean({ description: 'Data with the same key are in the same partition.' }),
  retention_seconds: Type.Union([Type.Number(), Type.Null()], { description: 'Null where nothing expires by its age.' }),
  retention_bytes: Type.Union([Type.Integer(), Type.Null()]),
  in_per_second: Type.Number(),
  partitions: Type.Array(
    Type.Object({ partition: Type.Integer(), first: Type.Integer(), next: Type.Integer(), in_per_second: Type.Number() }),
  ),
  written_by: Type.Array(Type.String()),
  read_by: Type.Array(Type.String()),
  keys: Type.Object(
    {
      sampled: Type.Integer(),
      distinct: Type.Integer(),
      top: Type.Array(
        Type.Object({
          key: Type.String(),
          partition: Type.Integer(),
          share: Type.Number({
            description: 'Of all that comes into the topic: its share of its partition’s newest data, times that partition’s.',
          }),
        }),
        { description: 'At most twenty, the most frequent first.' },
      ),
    },
    { description: 'Of a sample of the newest data.' },
  ),
  schema: Type.Unknown({ description: 'The datum’s JSON schema, where the topic’s library can give one, or null.' }),
})
export type TopicAnswer = Static<typeof TopicAnswer>
