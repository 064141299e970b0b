import { decodeData } from '../../envelope/content.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { type ColumnType, columnName, type Kind, kindOfValue, WHOLE } from './columns.ts'
import type { Gathered } from './gathered.ts'
import { Span } from './span.ts'

/** A hostile producer's fields must not become columns without end. */
const MOST_COLUMNS = 1_000
/**
 * Nor may few fields in each of many data: a column takes room in every row. Where all rows have all fields, eight megabytes of data never
 * come near this.
 */
const MOST_CELLS = 2_000_000
/** The row would make the group too large: it begins the next one. */
const FULL = Symbol('full')

/** Where in what was gathered a group begins: the datum's index and its first byte. */
export interface Begin {
  readonly index: number
  readonly at: number
}

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

/** Data of one file as rows; a value that fits no column is told to `unstorable` and left out. */
export class RowGroup {
  count = 0
  /** Which data became rows. */
  readonly span = new Span()
  readonly columns = new Map<string, Column>()
  readonly envelope: EnvelopeColumns | undefined
  /** Where the next group begins, when what was gathered is more than one. */
  readonly rest: Begin | undefined
  /** Data that may become rows. */
  readonly #size: number
  readonly #declared: readonly Column[]

  constructor(
    gathered: Gathered,
    declared: readonly ColumnType[],
    envelope: boolean,
    unstorable: (offset: number, reason: string) => void,
    begin: Begin = { index: 0, at: 0 },
  ) {
    this.#size = gathered.count - begin.index
    this.#declared = declared.map(({ name, kind }) => this.#column(name, envelope, kind))
    this.envelope = envelope ? { ids: Buffer.allocUnsafe(this.#size * 36), sources: [], created: [], parents: [] } : undefined
    const cursor = new FrameCursor(gathered.view().subarray(begin.at), gathered.ascii)
    const text = () => cursor.dataText
    // The schema says bytes: whatever they may be, they are kept as they were sent.
    const raw = declared.some(column => column.kind === 'bytes')
    while (cursor.next()) {
      const offset = gathered.offsets[begin.index + cursor.index]!
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
      if (issue === FULL) {
        this.rest = { index: begin.index + cursor.index, at: begin.at + cursor.start }
        break
      }
      if (issue !== undefined) {
        unstorable(offset, issue)
        continue
      }
      if (this.envelope !== undefined) addEnvelope(this.envelope, this.count, cursor)
      this.span.add(offset, cursor.bytes, cursor.idAt)
      this.count++
    }
    for (const column of this.columns.values()) column.values.length = this.count
  }

  /** Adds a row, whole or not at all. @returns why not. */
  #add(value: unknown, envelope: boolean): string | typeof FULL | undefined {
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
        this.#forgetAfter(known)
        return `its field '${name}' would be column ${MOST_COLUMNS + 1} of the file, and a file has ${MOST_COLUMNS} at most`
      }
      this.#column(name, envelope, undefined)
    }
    if (row > 0 && this.columns.size * (row + 1) > MOST_CELLS) {
      this.#forgetAfter(known)
      return FULL
    }
    for (const name in fields) put(this.columns.get(name)!, row, simple(fields[name]))
    return undefined
  }

  /** Columns that only a row which is left out has asked for go again. */
  #forgetAfter(known: number): void {
    for (const added of [...this.columns.keys()].slice(known)) this.columns.delete(added)
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
    const rows = Math.min(this.#size, Math.ceil(MOST_CELLS / (this.columns.size + 1)))
    const column: Column = { name, kind, declared: kind !== undefined, values: new Array(rows) }
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
