import { isUtf8 } from 'node:buffer'
import type { FrameCursor } from '../../../envelope/frame.ts'
import { RowData } from '../../rows/row-data.ts'
import type { CopyBuffer } from './copy-buffer.ts'
import type { Table } from './table.ts'

/** Writes data as rows of one table. */
export class RowWriter {
  readonly #fieldCount: number
  readonly #into: CopyBuffer
  readonly #data: RowData

  constructor(table: Table, into: CopyBuffer) {
    this.#fieldCount = table.columns.length + 1
    this.#into = into
    this.#data = new RowData(table.shape, into)
  }

  /**
   * Adds the cursor's datum.
   * @param ascii every byte of its data is below 128.
   * @returns why it cannot be stored, where it cannot; nothing is added then.
   */
  add(cursor: FrameCursor, offset: number, ascii: boolean): string | undefined {
    const into = this.#into
    into.startRow(this.#fieldCount)
    into.bigint(offset)
    const issue = this.#envelope(cursor) ?? this.#data.write(cursor, ascii)
    if (issue === undefined) into.endRow()
    else into.undo()
    return issue
  }

  #envelope(cursor: FrameCursor): string | undefined {
    const into = this.#into
    into.uuid(cursor.bytes, cursor.idAt)
    const source = cursor.sourceBytes
    if (source.includes(0)) return `its source has ${into.unheld}`
    if (!isUtf8(source)) return 'its source is not valid UTF-8'
    into.bytes(source)
    const { createdMs } = cursor
    if (!into.time(createdMs)) return `its time ${createdMs} is none that PostgreSQL has`
    into.uuids(cursor.parents)
    return undefined
  }
}
