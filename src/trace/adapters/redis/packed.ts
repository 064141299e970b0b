import { isReplayTopic } from '../../../agents/dead-letter.ts'
import { type DataId, ID_BYTES, idTimeMs, parseId } from '../../../envelope/data-id.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { AgentVersion, ClaimStates, Mark, MarkBatch, TraceRecord } from '../../trace.ts'
import { bucketCalls, bucketKey, fieldBytes, groupOf, isPackable, packData, placeHash, positionHash } from './buckets.ts'
import type { Connection } from './connection.ts'
import type { FrameRows } from './frame-rows.ts'
import type { Keys } from './keys.ts'
import { type ClaimingAgent, fieldOf, type Layout } from './layout.ts'
import { type Place, parseField } from './mark-text.ts'
import { markedData } from './marked-data.ts'
import type { Owners } from './owners.ts'
import { CLAIM_PACKED, DEAD_BYTE, DONE_BYTE, MARK_BYTES, MARK_PACKED } from './packed-scripts.ts'
import { NOWHERE } from './readable.ts'
import { bytesOrNull, textOrNull, textsOf } from './reply.ts'

const ZERO = 48
const MAX_U16 = 0xffff

/**
 * States alone, for billions of data a day: a tenth of the readable layout's memory. Ids that hold no time go into the readable one, as
 * each would have a bucket of its own here.
 */
export class PackedLayout implements Layout {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #owners: Owners
  readonly #readable: Layout
  readonly #ttl: string

  constructor(connection: Connection, keys: Keys, owners: Owners, readable: Layout, ttlMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.#owners = owners
    this.#readable = readable
    this.#ttl = `${ttlMs}`
  }

  async claim(agent: ClaimingAgent, batch: RecordBatch, rows: FrameRows, skip: number, atMs: number, states: ClaimStates): Promise<void> {
    const { packed, others } = split(rows.ids, rows.count)
    const names = [agent.version, ...(agent.replaced ?? [])].map(version => fieldOf({ name: agent.name, version }))
    const replay = isReplayTopic(batch.topic) ? '1' : '0'
    const head = [this.#ttl, `${secondOf(atMs)}`, fieldOf(agent), `${names.length}`, replay]
    const place = placeHash(batch.topic, batch.partition)
    const calls = bucketCalls(this.#keys, rows.ids, packed).map(async ({ group, parts, rows: of }) => {
      const keys = parts.flatMap(({ row }) => names.map(name => bucketKey(this.#keys, name, rows.ids, row)))
      const data = packData(rows.ids, of, row => batch.first + rows.index[row]!, place)
      const counts = parts.map(part => `${part.rows.length}`)
      const reply = await this.#connection.run(CLAIM_PACKED, [...keys, this.#keys.packedAgents(group)], [...head, data, ...counts])
      const told = textOrNull(reply) ?? ''
      for (let i = 0; i < of.length; i++) states[rows.index[of[i]!]! - skip] = told.charCodeAt(i) - ZERO
    })
    if (others.length > 0) calls.push(this.#readable.claim(agent, batch, pick(rows, others), skip, atMs, states))
    await Promise.all(calls)
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    const { offsets, done } = markedData(marks)
    const ids = bufferOf(marks.ids)
    const { packed, others } = split(ids, offsets.length)
    const name = fieldOf(agent)
    const head = [this.#ttl, name, markBytes(DONE_BYTE, marks), markBytes(DEAD_BYTE, marks)]
    const place = placeHash(marks.topic, marks.partition)
    const calls: Promise<unknown>[] = bucketCalls(this.#keys, ids, packed).map(({ group, parts, rows: of }) => {
      const keys = parts.map(({ row }) => bucketKey(this.#keys, name, ids, row))
      const data = packData(ids, of, row => offsets[row]!, place)
      // What is done stands before what is dead in a batch of marks, and so in each bucket.
      const counts = parts.flatMap(({ rows }) => [`${rows.length}`, `${rows.filter(row => row < done).length}`])
      return this.#connection.run(MARK_PACKED, [...keys, this.#keys.packedAgents(group)], [...head, data, ...counts])
    })
    if (others.length > 0) calls.push(this.#readable.mark(agent, pickMarks(marks, offsets, done, others)))
    await Promise.all(calls)
  }

  /** Only whose the ids are: where a datum is, and who sent it, is not kept here. */
  async note(batch: RecordBatch, rows: FrameRows): Promise<void> {
    const { packed, others } = split(rows.ids, rows.count)
    await Promise.all([
      this.#owners.note(pick(rows, packed)),
      ...(others.length === 0 ? [] : [this.#readable.note(batch, pick(rows, others))]),
    ])
  }

  async find(dataId: DataId, at: Place | undefined): Promise<TraceRecord | undefined> {
    const id = parseId(dataId)
    const record = await this.#readable.find(dataId, at)
    if (!isPackable(id, 0)) return record
    const members = this.#keys.packedAgents(groupOf(this.#keys, id, 0))
    const agents = textsOf(await this.#connection.send(members, ['SMEMBERS', members]))
    const found = await Promise.all(agents.map(agent => this.#mark(agent, id, at)))
    const marks = found.filter(mark => mark !== undefined)
    if (record !== undefined) return { ...record, marks: [...record.marks, ...marks] }
    if (marks.length === 0) return undefined
    return { dataId, positions: [], source: '', createdMs: idTimeMs(id, 0), parents: [], marks }
  }

  async #mark(agent: string, id: Buffer, at: Place | undefined): Promise<Mark | undefined> {
    const key = bucketKey(this.#keys, agent, id, 0)
    const value = bytesOrNull(await this.#connection.send(key, ['HGET', key, fieldBytes(id)], true))
    const named = parseField(agent)
    if (value === null || named === undefined) return undefined
    const rest = { ...named, attempts: 1, outputs: [] }
    if (value[0] !== DONE_BYTE && value[0] !== DEAD_BYTE)
      return { ...rest, ...NOWHERE, state: 'claimed', claimedMs: Number(value.toString()) * 1000 }
    const claimed = value.readUInt32BE(1)
    const here = at !== undefined && positionHash(placeHash(at.topic, at.partition), at.offset) === value.readUInt16BE(MARK_BYTES)
    return {
      ...rest,
      // What else a caller's place holds is its own.
      ...(here ? { topic: at.topic, partition: at.partition, offset: at.offset } : NOWHERE),
      state: value[0] === DONE_BYTE ? 'done' : 'dead',
      claimedMs: claimed * 1000,
      finishedMs: (claimed + value.readUInt16BE(5)) * 1000,
    }
  }
}

/** Rows whose ids hold their time, and those whose ids do not. */
function split(ids: Uint8Array, count: number): { packed: number[]; others: number[] } {
  const packed: number[] = []
  const others: number[] = []
  for (let row = 0; row < count; row++) (isPackable(ids, row * ID_BYTES) ? packed : others).push(row)
  return { packed, others }
}

function pick(rows: FrameRows, which: readonly number[]): FrameRows {
  if (which.length === rows.count) return rows
  const of = <T>(column: readonly T[]) => which.map(row => column[row]!)
  return {
    count: which.length,
    ids: pickIds(rows.ids, which),
    index: of(rows.index),
    createdMs: of(rows.createdMs),
    source: of(rows.source),
    parents: of(rows.parents),
    supplied: of(rows.supplied),
  }
}

function pickMarks(marks: MarkBatch, offsets: readonly number[], done: number, which: readonly number[]): MarkBatch {
  const reasons = new Map(marks.dead.map(({ offset, reason }) => [offset, reason]))
  return {
    ...marks,
    done: which.filter(row => row < done).map(row => ({ first: offsets[row]!, end: offsets[row]! + 1 })),
    dead: which.filter(row => row >= done).map(row => ({ offset: offsets[row]!, reason: reasons.get(offsets[row]!) ?? '' })),
    ids: pickIds(marks.ids, which),
  }
}

function pickIds(ids: Uint8Array, which: readonly number[]): Buffer {
  return Buffer.concat(which.map(row => ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES)))
}

/** State, second of the claim, seconds until it was finished. */
function markBytes(state: number, { claimedMs, finishedMs }: MarkBatch): Buffer {
  const bytes = Buffer.alloc(MARK_BYTES)
  bytes[0] = state
  bytes.writeUInt32BE(secondOf(claimedMs), 1)
  bytes.writeUInt16BE(Math.max(0, Math.min(MAX_U16, secondOf(finishedMs) - secondOf(claimedMs))), 5)
  return bytes
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1000)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
