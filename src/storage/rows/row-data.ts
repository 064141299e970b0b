import { decodeData, isJsonType } from '../../envelope/content.ts'
import type { FrameCursor } from '../../envelope/frame.ts'
import { toJsonText } from '../../envelope/json-text.ts'
import type { ColumnType } from '../formats/columns.ts'
import type { RowShape } from './row-shape.ts'
import type { RowSink } from './row-sink.ts'

const TOLD_CHARACTERS = 80

/** Writes the data of frames as the columns behind the envelope's. What cannot be a row is found out here, by the datum alone, so that every attempt finds the same. */
export class RowData {
  readonly #shape: RowShape
  readonly #into: RowSink
  readonly #known: ReadonlySet<string>
  /** Fields that every object has, though its datum may not. */
  readonly #inherited: ReadonlySet<string>

  constructor(shape: RowShape, into: RowSink) {
    this.#shape = shape
    this.#into = into
    this.#known = new Set(shape.fields.map(({ name }) => name))
    this.#inherited = new Set([...this.#known].filter(field => field in Object.prototype))
  }

  /**
   * Writes the cursor's data.
   * @param ascii every byte of them is below 128.
   * @returns why they cannot be stored, where they cannot; some of the row may be written then.
   */
  write(cursor: FrameCursor, ascii: boolean): string | undefined {
    const { whole } = this.#shape
    if (whole === 'bytes') {
      this.#into.bytes(cursor.data)
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
    const held = isJsonType(cursor.contentType) ? this.#into.sentJson(cursor, value) : this.#into.json(toJsonText(value))
    return held ? undefined : `it has ${this.#into.unheld}`
  }

  #fields(value: unknown): string | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      return `it is ${told(value)}, and the topic's schema says an object`
    // What a decoder gives is a plain object; its fields are unknown by construction.
    const data = value as Record<string, unknown>
    let found = 0
    for (const column of this.#shape.fields) {
      const field = this.#inherited.has(column.name) && !Object.hasOwn(data, column.name) ? undefined : data[column.name]
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
    else if (!this.#into.json(toJsonText(Object.fromEntries(extra))))
      return `a field that its schema does not have has ${this.#into.unheld}`
    return undefined
  }

  #field({ name, kind }: ColumnType, value: unknown): string | undefined {
    const into = this.#into
    if (value === null || value === undefined) {
      into.null()
      return undefined
    }
    switch (kind) {
      case 'number': {
        const number = typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
        if (typeof number !== 'number') return misfit(name, value, kind)
        return into.double(number) ? undefined : `its ${name} is ${number}, which cannot be stored as a number`
      }
      case 'string': {
        const text = typeof value === 'string' ? value : plain(value)
        if (typeof text !== 'string') return misfit(name, value, kind)
        return into.text(text) ? undefined : `its ${name} has ${into.unheld}`
      }
      case 'boolean':
        if (typeof value !== 'boolean') return misfit(name, value, kind)
        into.boolean(value)
        return undefined
      case 'json':
        return into.json(toJsonText(value)) ? undefined : `its ${name} has ${into.unheld}`
      case 'bytes':
        // Bytes are declared for whole data alone, which have no fields.
        throw new TypeError(`A field of bytes, '${name}'.`)
    }
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
