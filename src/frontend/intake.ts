import type { Clock } from '../clock.ts'
import { codecFor } from '../envelope/codecs/index.ts'
import { suppliedId } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import type { Stream } from '../stream/stream.ts'
import { takeBatch } from './batch.ts'
import { batchBody } from './batch-body.ts'
import { type Incoming, type Judged, judge, readValue } from './datum.ts'
import { envelopedDatum, NO_PARENTS, typeMissing } from './enveloped.ts'
import type { Exchange } from './exchange.ts'
import type { Ingested } from './ingested.ts'
import type { Limits } from './limits.ts'
import { Rejections } from './rejections.ts'
import type { Asked } from './request.ts'
import type { Route, RouteTable } from './routes.ts'
import { REJECTED, type Singles } from './singles.ts'

/** A request that has arrived whole, with the topics as they were when it came. */
export interface Arrival {
  readonly exchange: Exchange
  readonly asked: Asked
  readonly table: RouteTable
  readonly body: Buffer
}

/** From a body to its receipts: decode, judge, frame, store, answer. */
export class Intake {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #stream: Pick<Stream, 'append'>
  readonly #ingested: Ingested
  readonly #singles: Singles

  constructor(on: { limits: Limits; clock: Clock; stream: Pick<Stream, 'append'>; ingested: Ingested; singles: Singles }) {
    this.#limits = on.limits
    this.#clock = on.clock
    this.#stream = on.stream
    this.#ingested = on.ingested
    this.#singles = on.singles
  }

  /**
   * @param failed called where something unexpected ends it later.
   * @returns how many data it took on. @throws MillraceError where the body cannot be taken apart; nothing is stored then.
   */
  take(arrival: Arrival, failed: (error: unknown) => void): number {
    if (!isBatch(arrival.asked)) {
      this.#takeOne(arrival, failed)
      return 1
    }
    const { exchange, asked, table, body } = arrival
    const source = batchBody(asked, table, body, this.#limits, this.#clock.now())
    const on = { stream: this.#stream, ingested: this.#ingested, clock: this.#clock }
    takeBatch(source, exchange, asked.producer, asked.failuresOnly, on).catch(failed)
    return source.count
  }

  #takeOne({ exchange, asked, table, body }: Arrival, failed: (error: unknown) => void): void {
    let route = asked.target.route
    const settle = (datum: Incoming, judged: Judged) => {
      if (judged instanceof MillraceError) this.#reject(exchange, asked, datum.route, judged, body)
      else this.#singles.add(exchange, asked.producer, datum, judged.key)
    }
    try {
      const datum = this.#read(asked, table, body)
      route = datum.route
      const judging = judge(route, datum.value)
      if (judging instanceof Promise) judging.then(judged => settle(datum, judged)).catch(failed)
      else settle(datum, judging)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#reject(exchange, asked, route, error, body)
    }
  }

  #read(asked: Asked, table: RouteTable, body: Buffer): Incoming {
    const { media, producer, target, id } = asked
    const nowMs = this.#clock.now()
    // An envelope's media type was recognised by its codec.
    if (media.kind === 'envelope') {
      return envelopedDatum(codecFor(media.contentType)!.decodeSubmitted(body), { asked, table, id, limits: this.#limits, nowMs })
    }
    if (target.route === undefined) throw typeMissing()
    return {
      route: target.route,
      value: readValue(media.contentType, body, this.#limits),
      data: body,
      contentType: media.contentType,
      sourceBytes: producer.sourceBytes,
      createdMs: nowMs,
      suppliedId: id === undefined ? undefined : suppliedId(producer.source, id),
      parents: NO_PARENTS,
    }
  }

  /** Counted where its topic is known: a name that a producer made up must not become a metric's label. */
  #reject(exchange: Exchange, asked: Asked, route: Route | undefined, why: MillraceError, body: Buffer): void {
    if (route !== undefined) {
      const tally = this.#ingested.tally()
      tally.of(route, asked.producer).rejected++
      tally.record(body.length, this.#clock.now() - exchange.arrivedMs)
    }
    const { contentType, kind } = asked.media
    const rejections = new Rejections()
    rejections.add(why, route, () => ({ data: body, contentType, isEnvelope: kind === 'envelope' }))
    this.#ingested.rejected(asked.producer, rejections)
    exchange.refuse(why, REJECTED)
  }
}

/** Whether the body is a batch. @throws CONTENT_TYPE_UNSUPPORTED where its content type does not go with the path. */
function isBatch({ target, media }: Asked): boolean {
  const hasLines = media.kind === 'lines' || media.kind === 'envelope-lines'
  if (target.what === 'either') return hasLines
  if (target.what === 'one' && hasLines) {
    throw new MillraceError('CONTENT_TYPE_UNSUPPORTED', `${media.contentType} holds many data; this path takes one.`, {
      fix: 'Send it to …/batch.',
    })
  }
  if (target.what === 'batch' && !hasLines && media.kind !== 'json' && !media.contentType.endsWith('+json')) {
    throw new MillraceError('CONTENT_TYPE_UNSUPPORTED', `A batch cannot be ${media.contentType}.`, {
      fix: 'Send NDJSON (application/x-ndjson) or a JSON array; of envelopes, application/vnd.millrace.envelope+ndjson or +json.',
    })
  }
  return target.what === 'batch'
}
