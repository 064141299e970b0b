import { submittedFromJson } from '../envelope/codecs/index.ts'
import { suppliedId } from '../envelope/data-id.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { MillraceError } from '../errors.ts'
import type { BatchSource } from './batch.ts'
import { envelopedDatum, NO_PARENTS, typeMissing } from './enveloped.ts'
import { parseJson } from './json.ts'
import type { Limits } from './limits.ts'
import { splitArray, splitLines } from './lines.ts'
import type { Asked } from './request.ts'
import type { RouteTable } from './routes.ts'

/**
 * Takes a batch's body apart: NDJSON or a JSON array, of data or of envelopes. Each datum keeps the bytes that its producer wrote.
 * Where the request has an Idempotency-Key K, the datum of line i has the id `K:i`.
 * @throws BODY_MALFORMED, BODY_TOO_LARGE where that is not possible.
 */
export function batchBody(asked: Asked, table: RouteTable, body: Buffer, limits: Limits, nowMs: number): BatchSource {
  const { media, producer, target } = asked
  const areLines = media.kind === 'lines' || media.kind === 'envelope-lines'
  const areEnvelopes = media.kind === 'envelope' || media.kind === 'envelope-lines'
  const lines = areLines ? splitLines(body, limits) : splitArray(body, limits)
  const { route } = target
  return {
    count: lines.count,
    bytes: body.length,
    route,
    number: index => lines.number(index),
    raw(index) {
      try {
        return { data: lines.text(index), contentType: JSON_TYPE, isEnvelope: areEnvelopes }
      } catch (error) {
        // It was rejected for that: its receipt says so.
        if (error instanceof MillraceError) return undefined
        throw error
      }
    },
    read(index) {
      const data = lines.text(index)
      const value = parseJson(data, limits.depth)
      const id = asked.id === undefined ? undefined : `${asked.id}:${lines.number(index)}`
      if (areEnvelopes) return envelopedDatum(submittedFromJson(value), { asked, table, id, limits, nowMs })
      if (route === undefined) throw typeMissing()
      return {
        route,
        value,
        data,
        asciiText: lines.ascii,
        contentType: JSON_TYPE,
        sourceBytes: producer.sourceBytes,
        createdMs: nowMs,
        suppliedId: id === undefined ? undefined : suppliedId(producer.source, id),
        parents: NO_PARENTS,
      }
    },
  }
}
