import { decodeData } from '../../../envelope/content.ts'
import { FrameCursor } from '../../../envelope/frame.ts'
import { type ColumnType, columnName, type Kind, kindOfValue, WHOLE } from './columns.ts'
import type { Gathered } from './gathered.ts'

/** A hostile producer's fields must not become columns without end. */
const MOST_COLUMNS = 1_000

/** One field of all rows. */
export interface Column {
  readonly name: string
  /** Undefined while all values are null. */
  kind: Kind | undefined
  /** By the topic's schema: no value of another kind is let in. */
  readonly declared: boolean
  readonly values: unknown[]
}

export interface EnvelopeColumns {
  /** 36 ASCII bytes a row. */
  readonly ids: Buffer
  readonly sources: string[]
  readonly created: bigint[]
  /** JSON arrays. */
  readonly parents: (string | undefined)[]
}

/** Data of one file as rows, each decoded once; a value that fits no column is told to `unstorable` and left out. */
export class RowGroup {
  count = 0
  readonly columns = new Map<string, Column>()
  readonly envelope: EnvelopeColumns | undefined
  readonly #size: number
  readonly #declared: readonly Column[]

  constructor(
    gathered: Gathered,
    declared: readonly ColumnType[],
    envelope: boolean,
    unstorable: (offset: number, reason: string) => void,
  ) {
    this.#size = gathered.count
    this.#declared = declared.map(({ name, kind }) => this.#column(name, envelope, kind))
    this.envelope = envelope ? { ids: Buffer.allocUnsafe(gathered.count * 36), sources: [], created: [], parents: [] } : undefined
    const cursor = new FrameCursor(gathered.view(), gathered.ascii)
    const text = () => cursor.dataText
    // The schema says bytes: whatever they may be, they are kept as they were sent.
    const raw = declared.some(column => column.kind === 'bytes')
    while (cursor.next()) {
      const offset = gathered.offsets[cursor.index]!
      let value: unknown
      try {
        if (raw) value = cursor.data
        else if (cursor.isJson && gathered.ascii) value = JSON.parse(cursor.dataText)
        else value = decodeData(cursor.contentType, cursor.data, text)
      } catch (error) {
        unstorable(offset, `its data cannot be read: ${error instanceof Error ? error.message : String(error)}`)
        continue
      }
      const issue = this.#add(value, envelope)
      if (issue !== undefined) {
        unstorable(offset, issue)
        continue
      }
      if (this.envelope !== undefined) addEnvelope(this.envelope, this.count, cursor)
      this.count++
    }
    for (const column of this.columns.values()) column.values.length = this.count
  }

  /** Adds a row, whole or not at all. @returns why not. */
  #add(value: unknown, envelope: boolean): string | undefined {
    const row = this.count
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      return this.#addWhole(value, row)
    // What a decoder gives is a plain object; its fields are unknown by construction.
    const fields = value as Record<string, unknown>
    for (const column of this.#declared) {
      const issue = misfit(column, simple(fields[column.name]))
      if (issue !== undefined) return issue
    }
    const known = this.columns.size
    for (const name in fields) {
      if (this.columns.has(name)) continue
      if (this.columns.size >= MOST_COLUMNS) {
        // Columns that only this row has asked for go again.
        for (const added of [...this.columns.keys()].slice(known)) this.columns.delete(added)
        return `its field '${name}' would be column ${MOST_COLUMNS + 1} of the file, and a file has ${MOST_COLUMNS} at most`
      }
      this.#column(name, envelope, undefined)
    }
    for (const name in fields) put(this.columns.get(name)!, row, simple(fields[name]))
    return undefined
  }

  #addWhole(value: unknown, row: number): string | undefined {
    const column = this.columns.get(WHOLE_FIELD) ?? this.#makeColumn(WHOLE_FIELD, WHOLE, undefined)
    const issue = misfit(column, value)
    if (issue === undefined) put(column, row, value)
    return issue
  }

  #column(field: string, envelope: boolean, kind: Kind | undefined): Column {
    if (kind === 'bytes') return this.#makeColumn(WHOLE_FIELD, WHOLE, kind)
    return this.#makeColumn(field, columnName(field, envelope), kind)
  }

  #makeColumn(field: string, name: string, kind: Kind | undefined): Column {
    const column: Column = { name, kind, declared: kind !== undefined, values: new Array(this.#size) }
    this.columns.set(field, column)
    return column
  }
}

/** No field has this name: JSON's cannot hold a lone surrogate's bytes, and a producer's that does is decoded to U+FFFD. */
const WHOLE_FIELD = '\uDC00whole'

function put(column: Column, row: number, value: unknown): void {
  if (value === null || value === undefined) return
  column.values[row] = value
  if (column.declared) return
  const kind = value instanceof Uint8Array ? 'bytes' : kindOfValue(value)
  if (column.kind !== kind) column.kind = column.kind === undefined ? kind : 'json'
}

function misfit(column: Column, value: unknown): string | undefined {
  if (value === null || value === undefined || column.kind === undefined || column.kind === 'json') return undefined
  if (!column.declared || column.kind === 'bytes' || typeof value === column.kind) return undefined
  return `its ${column.name} is ${JSON.stringify(value)?.slice(0, 80)}, and the topic's schema says ${column.kind}`
}

/** What MessagePack and BSON have beyond JSON, as the columns hold it. */
function simple(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return value
}

function addEnvelope(envelope: EnvelopeColumns, row: number, cursor: FrameCursor): void {
  envelope.ids.write(cursor.dataId, row * 36, 'latin1')
  envelope.sources.push(cursor.source)
  envelope.created.push(BigInt(Math.floor(cursor.createdMs)))
  envelope.parents.push(cursor.parentCount === 0 ? undefined : JSON.stringify(cursor.envelope('').parents))
}
