import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { ID_BYTES, mintInto } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { Stream } from '../stream/stream.ts'
import { type Incoming, judge } from './datum.ts'
import type { Exchange } from './exchange.ts'
import { Gathering } from './gathering.ts'
import type { Ingested } from './ingested.ts'
import { appendError, appendStatus } from './problem.ts'
import type { Producer } from './producer.ts'
import { Receipts } from './receipts.ts'
import type { Raw } from './rejections.ts'
import type { Route } from './routes.ts'

/** After this many data others get a turn: ten thousand at once would hold the event loop for a tenth of a second. */
const DATA_PER_TURN = 500

/** The data of a batch, each readable by itself. */
export interface BatchSource {
  readonly count: number
  /** Bytes of the whole. */
  readonly bytes: number
  /** The route of all of it, where its path names one. */
  readonly route: Route | undefined
  /** A datum's number for people, from 1. */
  number(index: number): number
  /** @throws MillraceError: this datum alone is rejected. */
  read(index: number): Incoming
  /** A datum as it was sent; undefined where it is no text, or too long to be taken. */
  raw(index: number): Raw | undefined
}

/** Judges every datum, appends what is good in one call, and tells what became of each. It never fails around a bad one. */
export async function takeBatch(
  source: BatchSource,
  exchange: Exchange,
  producer: Producer,
  failuresOnly: boolean,
  on: { stream: Pick<Stream, 'append'>; ingested: Ingested; clock: Clock },
): Promise<void> {
  const receipts = new Receipts(source.count, index => source.number(index))
  const gathering = new Gathering()
  const nowMs = on.clock.now()
  for (let index = 0; index < source.count; index++) {
    if (index > 0 && index % DATA_PER_TURN === 0) await nextTurn()
    let datum: Incoming | undefined
    try {
      datum = source.read(index)
      const judging = judge(datum.route, datum.value)
      const judged = judging instanceof Promise ? await judging : judging
      if (judged instanceof MillraceError) receipts.reject(index, judged, datum.route)
      else add(datum, judged.key, index, nowMs, gathering, receipts)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      receipts.reject(index, error, datum?.route ?? source.route)
    }
  }
  const failure = await append(gathering, receipts, on)
  const tally = on.ingested.tally()
  receipts.tally(tally, producer)
  tally.record(source.bytes, on.clock.now() - exchange.arrivedMs)
  const rejections = receipts.rejections(index => source.raw(index))
  if (rejections !== undefined) on.ingested.rejected(producer, rejections)
  answer(exchange, receipts, failure, failuresOnly)
}

function add(datum: Incoming, key: string | undefined, index: number, nowMs: number, gathering: Gathering, receipts: Receipts): void {
  const at = index * ID_BYTES
  if (datum.suppliedId === undefined) mintInto(receipts.ids, at, nowMs)
  else receipts.ids.set(datum.suppliedId, at)
  const { partitions } = datum.route
  const partition = key === undefined ? partitionOfId(receipts.ids, at, partitions) : partitionOfKey(key, partitions)
  gathering.add(datum, partition, key, receipts.ids, at)
  receipts.appending(index, datum.route, partition)
}

/** @returns why nothing can be promised of what was to be stored. */
async function append(
  gathering: Gathering,
  receipts: Receipts,
  on: { stream: Pick<Stream, 'append'>; ingested: Ingested },
): Promise<MillraceError | undefined> {
  if (gathering.count === 0) return undefined
  try {
    receipts.settle(await gathering.append(on.stream))
    on.ingested.succeeded()
    return undefined
  } catch (error) {
    const failure = appendError(error)
    on.ingested.failed(failure)
    receipts.settle(undefined)
    return failure
  }
}

/** 202 where something was stored, 200 where nothing needed to be; a problem with the same receipts where all of it failed. */
function answer(exchange: Exchange, receipts: Receipts, failure: MillraceError | undefined, failuresOnly: boolean): void {
  const { accepted, duplicate, rejected } = receipts.counts
  const json = receipts.json(failuresOnly)
  if (failure !== undefined) exchange.refuse(failure, json, appendStatus(failure))
  else if (accepted > 0) exchange.answer(202, json)
  else if (duplicate > 0 || rejected === 0) exchange.answer(200, json)
  else exchange.refuse(new MillraceError('DATUM_INVALID', 'No datum of the batch can be taken; its receipts say why.'), json)
}
