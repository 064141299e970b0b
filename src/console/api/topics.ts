import Type, { type Static } from 'typebox'

/** One datum as a tail, a search and a life show it. `json` where it is JSON, else `data` as Base64. Masked fields are `"•••"`. */
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
  parents: Type.Array(Type.String()),
  json: Type.Optional(Type.Unknown()),
  data: Type.Optional(Type.String()),
  /** The datum is longer than what is shown: its length in bytes. */
  cut: Type.Optional(Type.Integer()),
})
export type ShownDatum = Static<typeof ShownDatum>

/**
 * `GET /v1/topics/:topic/tail?from=&where=&rate=` (server-sent events). `datum`: a {@link ShownDatum}. `count`, once a second: a {@link TailCount}.
 * `where` may be repeated, as `millrace tap --where` takes it. `from`: earliest, latest (default), a time, or so long ago (10m).
 */
export const TailCount = Type.Object({
  shown: Type.Integer({ description: 'In the last second.' }),
  matched: Type.Integer(),
  seen: Type.Integer({ description: 'Data that went by, whether they matched or not.' }),
})
export type TailCount = Static<typeof TailCount>

/** `GET /v1/topics/:topic`. */
export const TopicAnswer = Type.Object({
  topic: Type.String(),
  entry: Type.Boolean(),
  keyed: Type.Boolean({ description: 'Data with the same key are in the same partition.' }),
  retention_seconds: Type.Number(),
  retention_bytes: Type.Union([Type.Integer(), Type.Null()]),
  in_per_second: Type.Number(),
  partitions: Type.Array(
    Type.Object({ partition: Type.Integer(), first: Type.Integer(), next: Type.Integer(), in_per_second: Type.Number() }),
  ),
  written_by: Type.Array(Type.String()),
  read_by: Type.Array(Type.String()),
  /** Of a sample of the newest data. */
  keys: Type.Object({
    sampled: Type.Integer(),
    distinct: Type.Integer(),
    top: Type.Array(Type.Object({ key: Type.String(), partition: Type.Integer(), share: Type.Number() })),
  }),
  /** The datum's JSON schema, where the topic's library can give one. */
  schema: Type.Union([Type.Unknown(), Type.Null()]),
})
export type TopicAnswer = Static<typeof TopicAnswer>
