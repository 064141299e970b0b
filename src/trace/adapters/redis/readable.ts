import { randomBytes } from 'node:crypto'
import { isReplayTopic } from '../../../agents/dead-letter.ts'
import { type DataId, formatIds, ID_BYTES, ID_CHARACTERS, parseId } from '../../../envelope/data-id.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { AgentVersion, ClaimStates, Mark, MarkBatch, TraceRecord } from '../../trace.ts'
import type { Connection } from './connection.ts'
import type { FrameRows } from './frame-rows.ts'
import { Grouped } from './grouped.ts'
import type { Keys } from './keys.ts'
import { type ClaimingAgent, fieldOf, type Layout } from './layout.ts'
import { formatOutputs, type MarkText, markTail, type Place, parseMark, parseOutputs, parsePositions, timeOf } from './mark-text.ts'
import { markedData } from './marked-data.ts'
import type { Owners } from './owners.ts'
import { CLAIM, MARK, NOTE } from './readable-scripts.ts'
import { textOrNull, textsOf } from './reply.ts'

const UNIT_BYTES = 7
const ZERO = 48
/** A mark of which nobody said where it was made. */
export const NOWHERE: Place = { topic: '', partition: -1, offset: -1 }

/** A hash for each datum, in text: any language takes part with two commands. */
export class ReadableLayout implements Layout {
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #owners: Owners
  readonly #ttl: string

  constructor(connection: Connection, keys: Keys, owners: Owners, ttlMs: number) {
    this.#connection = connection
    this.#keys = keys
    this.#owners = owners
    this.#ttl = `${ttlMs}`
  }

  async claim(agent: ClaimingAgent, batch: RecordBatch, rows: FrameRows, skip: number, atMs: number, states: ClaimStates): Promise<void> {
    const fields = [agent.version, ...(agent.replaced ?? [])].map(version => fieldOf({ name: agent.name, version }))
    const replay = isReplayTopic(batch.topic) ? '1' : '0'
    const head = [this.#ttl, `${batch.topic}/${batch.partition}/`, ` ${batch.appendedMs}`, `${atMs}`, replay, `${fields.length}`, ...fields]
    const text = formatIds(rows.ids)
    const grouped = new Grouped(this.#keys, async ({ keys, args, rows: of }) => {
      const reply = textOrNull(await this.#connection.run(CLAIM, keys, [...head, ...args])) ?? ''
      for (let i = 0; i < of.length; i++) states[rows.index[of[i]!]! - skip] = reply.charCodeAt(i) - ZERO
    })
    for (let row = 0; row < rows.count; row++) {
      const last = rows.ids[row * ID_BYTES + ID_BYTES - 1]!
      const call = grouped.add(last, row, this.#keys.datum(text.slice(row * ID_CHARACTERS, (row + 1) * ID_CHARACTERS), last))
      call.args.push(`${batch.first + rows.index[row]!}`, `${rows.createdMs[row]}`, call.changed(rows.source[row]!), rows.parents[row]!)
    }
    await grouped.done()
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    const { topic, partition, claimedMs, finishedMs, outputs = [] } = marks
    const times = `${claimedMs} ${finishedMs}`
    const head = [this.#ttl, `${topic}/${partition}/`, ` ${claimedMs}`, fieldOf(agent), `${times} done`, `${times} dead`]
    const unit = outputs.length === 0 ? '' : randomBytes(UNIT_BYTES).toString('base64url')
    const calls: Promise<unknown>[] = []
    if (unit !== '') {
      const key = this.#keys.unit(unit)
      calls.push(this.#connection.send(key, ['SET', key, formatOutputs(outputs), 'PX', this.#ttl]))
    }
    const data = markedData(marks)
    const text = formatIds(marks.ids)
    const usual = markTail(1, unit)
    const grouped = new Grouped(this.#keys, async ({ keys, args, rows: of }) => {
      // Rows are in the order of the marks: first what is done, then what is dead.
      const done = of.filter(row => row < data.done).length
      await this.#connection.run(MARK, keys, [...head, `${done}`, ...args])
    })
    for (let row = 0; row < data.offsets.length; row++) {
      const last = marks.ids[row * ID_BYTES + ID_BYTES - 1]!
      const offset = data.offsets[row]!
      const call = grouped.add(last, row, this.#keys.datum(text.slice(row * ID_CHARACTERS, (row + 1) * ID_CHARACTERS), last))
      const attempts = data.attempts.get(offset)
      const plain = attempts === undefined && row < data.done
      call.args.push(`${offset}`, plain ? usual : markTail(attempts ?? 1, unit, data.reasons[row - data.done]))
    }
    await Promise.all([...calls, grouped.done()])
  }

  async note(batch: RecordBatch, rows: FrameRows): Promise<void> {
    const head = [this.#ttl, this.#owners.ttl, `${batch.topic}/${batch.partition}/`, ` ${batch.appendedMs}`]
    const text = formatIds(rows.ids)
    const grouped = new Grouped(this.#keys, async ({ keys, args, rows: of }) => {
      const owned = of.filter(row => rows.supplied[row]).map(row => this.#owners.key(text, rows.ids, row))
      await this.#connection.run(NOTE, [...keys, ...owned], [...head, `${keys.length}`, ...args])
    })
    for (let row = 0; row < rows.count; row++) {
      const last = rows.ids[row * ID_BYTES + ID_BYTES - 1]!
      const source = rows.source[row]!
      const call = grouped.add(last, row, this.#keys.datum(text.slice(row * ID_CHARACTERS, (row + 1) * ID_CHARACTERS), last))
      call.args.push(`${batch.first + rows.index[row]!}`, `${rows.createdMs[row]}`, call.changed(source), rows.parents[row]!)
      call.args.push(rows.supplied[row] ? this.#owners.of(source) : '')
    }
    await grouped.done()
  }

  async find(dataId: DataId, at: Place | undefined): Promise<TraceRecord | undefined> {
    const key = this.#keys.datum(dataId, parseId(dataId)[ID_BYTES - 1]!)
    const pairs = textsOf(await this.#connection.send(key, ['HGETALL', key]))
    if (pairs.length === 0) return undefined
    const fields = new Map<string, string>()
    for (let i = 0; i + 1 < pairs.length; i += 2) fields.set(pairs[i]!, pairs[i + 1]!)
    const positions = parsePositions(fields.get('at') ?? '')
    const marks = await Promise.all(
      [...fields].flatMap(([field, value]) => {
        const mark = parseMark(field, value)
        return mark === undefined ? [] : [this.#mark(mark, positions[0] ?? at ?? NOWHERE)]
      }),
    )
    const parents = fields.get('parents') ?? ''
    return {
      dataId,
      positions,
      source: fields.get('source') ?? '',
      createdMs: timeOf(fields.get('created') ?? ''),
      parents: parents === '' ? [] : parents.split(' '),
      marks,
    }
  }

  async #mark({ at, unit, ...mark }: MarkText, first: Place): Promise<Mark> {
    const { topic, partition, offset } = at ?? first
    const key = unit === undefined ? undefined : this.#keys.unit(unit)
    const outputs = key === undefined ? null : textOrNull(await this.#connection.send(key, ['GET', key]))
    return { ...mark, topic, partition, offset, outputs: parseOutputs(outputs ?? '') }
  }
}
