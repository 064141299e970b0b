import { isUtf8 } from 'node:buffer'
import { decodeData, isJsonType } from '../../../envelope/content.ts'
import type { FrameCursor } from '../../../envelope/frame.ts'
import { toJsonText } from '../../../envelope/json-text.ts'
import type { CopyBuffer } from './copy-buffer.ts'
import type { FieldColumn, Table } from './table.ts'

const UNHELD = 'a character that PostgreSQL cannot hold: NUL, or half of a surrogate pair'
/** In what `JSON.stringify` writes, an escaped surrogate is one that has no other half. */
const UNHELD_ESCAPE = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/
/** In a producer's own JSON it may be half of a good pair. */
const MAYBE_UNHELD = /\\u(?:0000|d[89a-f])/i
const TOLD_CHARACTERS = 80

/** Writes data as rows of one table. What cannot be a row is found out here, by the datum alone, so that every attempt finds the same. */
export class RowWriter {
  readonly #table: Table
  readonly #into: CopyBuffer
  readonly #known: ReadonlySet<string>
  /** Fields that every object has, though its datum may not. */
  readonly #inherited: ReadonlySet<string>

  constructor(table: Table, into: CopyBuffer) {
    this.#table = table
    this.#into = into
    this.#known = new Set(table.fields.map(({ field }) => field))
    this.#inherited = new Set([...this.#known].filter(field => field in Object.prototype))
  }

  /**
   * Adds the cursor's datum.
   * @param ascii every byte of its data is below 128.
   * @returns why it cannot be stored, where it cannot; nothing is added then.
   */
  add(cursor: FrameCursor, offset: number, ascii: boolean): string | undefined {
    const into = this.#into
    into.startRow(this.#table.columns.length + 1)
    into.bigint(offset)
    const issue = this.#envelope(cursor) ?? this.#data(cursor, ascii)
    if (issue === undefined) into.endRow()
    else into.undo()
    return issue
  }

  #envelope(cursor: FrameCursor): string | undefined {
    const into = this.#into
    into.uuid(cursor.bytes, cursor.idAt)
    const source = cursor.sourceBytes
    if (source.includes(0)) return `its source has ${UNHELD}`
    if (!isUtf8(source)) return 'its source is not valid UTF-8'
    into.raw(source)
    const { createdMs } = cursor
    if (!into.time(createdMs)) return `its time ${createdMs} is none that PostgreSQL has`
    into.uuids(cursor.parents)
    return undefined
  }

  #data(cursor: FrameCursor, ascii: boolean): string | undefined {
    const { whole } = this.#table
    if (whole === 'bytes') {
      this.#into.raw(cursor.data)
      return undefined
    }
    let value: unknown
    try {
      value = cursor.isJson && ascii ? JSON.parse(cursor.dataText) : decodeData(cursor.contentType, cursor.data, () => cursor.dataText)
    } catch (error) {
      return `its data cannot be read: ${error instanceof Error ? error.message : String(error)}`
    }
    try {
      return whole === 'json' ? this.#whole(cursor, value) : this.#fields(value)
    } catch (error) {
      // JSON of any depth is read, and written only as deep as the stack.
      if (error instanceof RangeError) return `its data are nested too deeply: ${error.message}`
      throw error
    }
  }

  /** JSON goes as it was sent, so that numbers keep all their digits. */
  #whole(cursor: FrameCursor, value: unknown): string | undefined {
    if (!isJsonType(cursor.contentType)) return this.#json(value) ? undefined : `it has ${UNHELD}`
    if (MAYBE_UNHELD.test(cursor.dataText) && UNHELD_ESCAPE.test(JSON.stringify(value))) return `it has ${UNHELD}`
    this.#into.raw(cursor.data)
    return undefined
  }

  #fields(value: unknown): string | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      return `it is ${told(value)}, and the topic's schema says an object`
    // What a decoder gives is a plain object; its fields are unknown by construction.
    const data = value as Record<string, unknown>
    let found = 0
    for (const column of this.#table.fields) {
      const field = this.#inherited.has(column.field) && !Object.hasOwn(data, column.field) ? undefined : data[column.field]
      if (field !== undefined) found++
      const issue = this.#field(column, field)
      if (issue !== undefined) return issue
    }
    if (found === Object.keys(data).length) {
      this.#into.null()
      return undefined
    }
    const extra = Object.entries(data).filter(([name]) => !this.#known.has(name))
    if (extra.length === 0) this.#into.null()
    else if (!this.#json(Object.fromEntries(extra))) return `a field that its schema does not have has ${UNHELD}`
    return undefined
  }

  #field({ field, kind }: FieldColumn, value: unknown): string | undefined {
    const into = this.#into
    if (value === null || value === undefined) {
      into.null()
      return undefined
    }
    switch (kind) {
      case 'number':
        if (typeof value === 'number') into.double(value)
        else if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) into.double(Number(value))
        else return misfit(field, value, kind)
        return undefined
      case 'string': {
        const text = typeof value === 'string' ? value : plain(value)
        if (typeof text !== 'string') return misfit(field, value, kind)
        return into.text(text) ? undefined : `its ${field} has ${UNHELD}`
      }
      case 'boolean':
        if (typeof value !== 'boolean') return misfit(field, value, kind)
        into.boolean(value)
        return undefined
      case 'json':
        return this.#json(value) ? undefined : `its ${field} has ${UNHELD}`
      case 'bytes':
        // Bytes are declared for whole data alone, which have no fields.
        throw new TypeError(`${this.#table.sql} has a field of bytes, '${field}'.`)
    }
  }

  /** @returns false where jsonb cannot hold it. */
  #json(value: unknown): boolean {
    const text = toJsonText(value)
    return !UNHELD_ESCAPE.test(text) && this.#into.text(text)
  }
}

/** What MessagePack and BSON have beyond JSON, as a column of text holds it. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  return value
}

function misfit(field: string, value: unknown, kind: string): string {
  return `its ${field} is ${told(value)}, and the topic's schema says ${kind}`
}

function told(value: unknown): string {
  return toJsonText(value).slice(0, TOLD_CHARACTERS)
}
