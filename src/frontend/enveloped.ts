import type { Submitted } from '../envelope/codecs/index.ts'
import { ID_BYTES, parseInto, suppliedId } from '../envelope/data-id.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { MillraceError } from '../errors.ts'
import { type Incoming, readValue, rejection } from './datum.ts'
import type { Limits } from './limits.ts'
import type { Asked } from './request.ts'
import type { Route, RouteTable } from './routes.ts'

export const NO_PARENTS = new Uint8Array(0)

/**
 * A datum in an envelope. What the envelope leaves out is filled in as for a plain one; what it says beats the request's headers.
 * @param id the id that the request gives it, for want of one of its own.
 * @throws TYPE_MISSING, TOPIC_UNKNOWN, TOPIC_FORBIDDEN, DATUM_INVALID, BODY_MALFORMED
 */
export function envelopedDatum(
  submitted: Submitted,
  { asked, table, id, limits, nowMs }: { asked: Asked; table: RouteTable; id: string | undefined; limits: Limits; nowMs: number },
): Incoming {
  const { producer } = asked
  const route = routeOf(submitted, asked, table)
  if (submitted.source !== undefined && submitted.source !== producer.source && !producer.isLocal) {
    throw rejection([{ path: 'source', message: `Expected '${producer.source}', which the key stands for, or nothing` }])
  }
  const source = submitted.source ?? producer.source
  const ownId = submitted.id ?? id
  const contentType = submitted.contentType ?? JSON_TYPE
  const data = Buffer.from(submitted.data.buffer, submitted.data.byteOffset, submitted.data.byteLength)
  return {
    route,
    value: readValue(contentType, data, limits),
    data,
    contentType,
    sourceBytes: source === producer.source ? producer.sourceBytes : Buffer.from(source, 'utf8'),
    createdMs: createdOf(nowMs, submitted, limits),
    suppliedId: ownId === undefined ? undefined : suppliedId(source, ownId),
    parents: parentBytes(submitted),
  }
}

function createdOf(nowMs: number, { createdMs = nowMs }: Submitted, { createdAheadMs }: Limits): number {
  if (createdMs <= nowMs + createdAheadMs) return createdMs
  throw rejection([{ path: 'created', message: `Expected a time at most ${createdAheadMs} ms ahead of ${new Date(nowMs).toISOString()}` }])
}

function routeOf(submitted: Submitted, asked: Asked, table: RouteTable): Route {
  const { target, producer } = asked
  if (submitted.type === undefined || submitted.type === target.route?.name) {
    if (target.route === undefined) throw typeMissing()
    return target.route
  }
  if (!target.isDefault) {
    throw rejection([{ path: 'type', message: `Expected '${target.route?.name}', which the path names, or nothing` }])
  }
  const route = table.route(submitted.type)
  producer.check(route)
  return route
}

export function typeMissing(): MillraceError {
  return new MillraceError('TYPE_MISSING', 'Nothing says which topic the datum is for.', {
    fix: "Name it in the envelope's type, in a Millrace-Type header, or as ?type=…",
  })
}

function parentBytes({ parents }: Submitted): Uint8Array {
  if (parents === undefined || parents.length === 0) return NO_PARENTS
  const bytes = Buffer.allocUnsafe(parents.length * ID_BYTES)
  for (let i = 0; i < parents.length; i++) parseInto(bytes, i * ID_BYTES, parents[i]!)
  return bytes
}
