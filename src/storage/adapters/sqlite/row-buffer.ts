import { isUtf8 } from 'node:buffer'
import type { SQLInputValue } from 'node:sqlite'
import { formatId, ID_BYTES } from '../../../envelope/data-id.ts'
import type { FrameCursor } from '../../../envelope/frame.ts'
import { RowData } from '../../rows/row-data.ts'
import type { RowShape } from '../../rows/row-shape.ts'
import type { RowSink } from '../../rows/row-sink.ts'

export interface Row {
  /** Where in its partition its datum is: what names it when SQLite refuses it. */
  readonly offset: number
  /** In the order of the table's columns. */
  readonly values: readonly SQLInputValue[]
}

/** The years 0 to 9999: those that SQLite's functions for dates know, and whose texts are in the order of time. */
const EARLIEST_MS = -62_167_219_200_000
const LATEST_MS = 253_402_300_799_999

/** Rows of one table, gathered to be inserted together. */
export class RowBuffer implements RowSink {
  readonly unheld = 'a character that text in SQLite cannot hold: NUL, or half of a surrogate pair'
  readonly #data: RowData
  #rows: Row[] = []
  #values: SQLInputValue[] = []
  /** Data that came together were made in the same millisecond, and its text is dear. */
  #createdMs = Number.NaN
  #createdText = ''

  constructor(shape: RowShape) {
    this.#data = new RowData(shape, this)
  }

  get length(): number {
    return this.#rows.length
  }

  /**
   * Adds the cursor's datum.
   * @param ascii every byte of its data is below 128.
   * @returns why it cannot be stored, where it cannot; nothing is added then.
   */
  add(cursor: FrameCursor, offset: number, ascii: boolean): string | undefined {
    this.#values = []
    const issue = this.#envelope(cursor) ?? this.#data.write(cursor, ascii)
    if (issue === undefined) this.#rows.push({ offset, values: this.#values })
    return issue
  }

  /** The rows gathered; it is empty again. */
  take(): Row[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  null(): void {
    this.#values.push(null)
  }

  double(value: number): boolean {
    // SQLite would keep NaN as NULL.
    if (Number.isNaN(value)) return false
    this.#values.push(value)
    return true
  }

  boolean(value: boolean): void {
    this.#values.push(value ? 1 : 0)
  }

  text(value: string): boolean {
    if (!value.isWellFormed() || value.includes('\0')) return false
    this.#values.push(value)
    return true
  }

  /** Of what text cannot hold JSON has the escapes. */
  json(text: string): boolean {
    this.#values.push(text)
    return true
  }

  sentJson(cursor: FrameCursor): boolean {
    this.#values.push(cursor.dataText)
    return true
  }

  bytes(bytes: Uint8Array): void {
    // A copy: they are a view of the batch, which is not kept for as long as the row.
    this.#values.push(new Uint8Array(bytes))
  }

  #envelope(cursor: FrameCursor): string | undefined {
    const { sourceBytes, createdMs } = cursor
    this.#values.push(cursor.dataId)
    if (!isUtf8(sourceBytes)) return 'its source is not valid UTF-8'
    if (!this.text(sourceBytes.toString())) return `its source has ${this.unheld}`
    if (createdMs !== this.#createdMs) {
      if (!(createdMs >= EARLIEST_MS && createdMs <= LATEST_MS)) return `its time ${createdMs} is not of the years 0 to 9999`
      this.#createdMs = createdMs
      this.#createdText = new Date(Math.floor(createdMs)).toISOString()
    }
    this.#values.push(this.#createdText, parentsOf(cursor))
    return undefined
  }
}

/** The ids as a list in JSON, null where the datum was derived from none. */
function parentsOf(cursor: FrameCursor): string | null {
  const { parentCount } = cursor
  if (parentCount === 0) return null
  const { parents } = cursor
  return JSON.stringify(Array.from({ length: parentCount }, (_, i) => formatId(parents, i * ID_BYTES)))
}
