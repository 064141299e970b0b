import type { FastifyInstance } from 'fastify'
import { jsonSchemaOf } from '../../envelope/schema.ts'
import { MillraceError } from '../../errors.ts'
import type { TopicAnswer } from '../api/topics.ts'
import { sampleKeys } from '../key-sample.ts'
import { maskingOf } from '../masked.ts'
import { aroundTopic } from '../seen.ts'
import type { OpsContext } from '../server.ts'
import { seenAt } from '../shown.ts'

const MAX_AGE_MS = 500

/** `GET /v1/topics/:topic`: one topic, as its page shows it. */
export function topicRoutes(server: FastifyInstance, context: OpsContext): void {
  server.get<{ Params: { topic: string } }>('/v1/topics/:topic', request => topicAnswer(request.params.topic, context))
}

async function topicAnswer(name: string, context: OpsContext): Promise<TopicAnswer> {
  const pipeline = context.pipeline()
  const { topics } = await context.instruments.sample(MAX_AGE_MS)
  const sample = topics.find(({ spec }) => spec.name === name)
  if (sample === undefined) {
    throw new MillraceError('TOPIC_UNKNOWN', `There is no topic '${name}'.`, {
      fix: '`millrace topics` (GET /v1/topics) lists those that there are.',
    })
  }
  const { spec, bounds, perSecond, partitionsPerSecond } = sample
  const declared = pipeline?.topics.get(name)
  // A mask may hide a key, which takes the datum to tell.
  const isMasked = maskingOf(pipeline, name).mask !== undefined
  const keys = await sampleKeys(context.engine, sample, cursor =>
    isMasked ? seenAt(cursor, name, context).key : cursor.key === '' ? null : cursor.key,
  )
  const around = aroundTopic(name, pipeline)
  return {
    topic: name,
    entry: around.written_by.length === 0 && !name.startsWith('_'),
    keyed: declared === undefined ? keys.distinct > 0 : declared.keyOf !== undefined,
    retention_seconds: Number.isFinite(spec.retentionMs) ? spec.retentionMs / 1_000 : null,
    retention_bytes: spec.retentionBytes ?? null,
    in_per_second: perSecond,
    partitions: bounds.map(({ first, next }, partition) => ({
      partition,
      first,
      next,
      in_per_second: partitionsPerSecond[partition] ?? 0,
    })),
    ...around,
    keys,
    schema: declared === undefined ? null : (jsonSchemaOf(declared.schema) ?? null),
  }
}
