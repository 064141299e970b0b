import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { MillraceError } from '../../errors.ts'
import { usage } from '../command.ts'
import { type InputRecord, MAX_RECORD_BYTES } from './lines.ts'

/** What a column's text becomes. `auto`: a number, true or false where it is written as JSON would, else text. */
export type ColumnType = 'auto' | 'text' | 'number' | 'boolean' | 'json'

export interface CsvOptions {
  readonly delimiter: string
  /** Column to field; an empty field leaves the column out. */
  readonly fields: ReadonlyMap<string, string>
  readonly types: ReadonlyMap<string, ColumnType>
}

const RECORDS_A_YIELD = 500
/** As JSON writes a number: no leading zeros (they belong to codes, such as 00742), no plus sign. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** CSV (RFC 4180) with a header row: a datum a record, its columns as fields. An empty cell is left out unless its type is text. */
export async function* csv(chunks: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<InputRecord[]> {
  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_BYTES,
  })
  // Its callback has nothing to add: an error of either destroys the parser with it, and the loop below throws it.
  pipeline(Readable.from(chunks), parser, () => undefined)
  let columns: Column[] | undefined
  let records: InputRecord[] = []
  try {
    // With `info` each item is the record and where it ended; the library's types leave it open.
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (columns === undefined) columns = columnsOf(record, options)
      else records.push(datumOf(record, columns, info.lines))
      if (records.length < RECORDS_A_YIELD) continue
      yield records
      records = []
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new MillraceError('BODY_MALFORMED', `The CSV cannot be read on: ${cause.message}.`, {
      fix: 'Mend that line and run it again: what is stored already is not stored twice. Another separator is said by --delimiter.',
      cause,
    })
  }
  if (records.length > 0) yield records
}

interface Column {
  readonly name: string
  readonly field: string
  readonly type: ColumnType
}

function columnsOf(header: readonly string[], options: CsvOptions): Column[] {
  const names = header.map(name => name.trim())
  for (const given of [...options.fields.keys(), ...options.types.keys()]) {
    if (!names.includes(given)) throw usage(`The CSV has no column '${given}'.`, `Its header names: ${names.join(', ')}.`)
  }
  const columns = names.map(name => ({ name, field: options.fields.get(name) ?? name, type: options.types.get(name) ?? 'auto' }))
  const fields = columns.map(column => column.field).filter(field => field !== '')
  const twice = fields.find((field, at) => fields.indexOf(field) !== at)
  if (twice !== undefined) throw usage(`Two columns of the CSV become the field '${twice}'.`, `Give one another name: --map ${twice}=…`)
  return columns
}

function datumOf(cells: readonly string[], columns: readonly Column[], line: number): InputRecord {
  if (cells.length !== columns.length) return { line, problem: `it has ${cells.length} cells and the header ${columns.length}` }
  const entries: [string, unknown][] = []
  for (const [at, column] of columns.entries()) {
    const cell = cells[at]!
    if (column.field === '' || (cell === '' && column.type !== 'text')) continue
    const value = cellValue(cell, column.type)
    if (value === undefined) return { line, problem: `column '${column.name}' is '${cell}', not ${WANTED[column.type]}` }
    entries.push([column.field, value])
  }
  // Object.fromEntries makes a column called __proto__ an ordinary field.
  return { line, data: Buffer.from(JSON.stringify(Object.fromEntries(entries))) }
}

const WANTED = { auto: '', text: '', number: 'a number', boolean: 'true or false', json: 'JSON' } as const

/** Undefined where the cell is not of its column's type. */
function cellValue(cell: string, type: ColumnType): unknown {
  if (type === 'text') return cell
  if (type === 'json') return parsed(cell)
  if (type === 'boolean') return cell === 'true' ? true : cell === 'false' ? false : undefined
  if (type === 'number') return cell.trim() !== '' && Number.isFinite(Number(cell)) ? Number(cell) : undefined
  if (cell === 'true' || cell === 'false') return cell === 'true'
  return NUMBER.test(cell) && isExact(cell) ? Number(cell) : cell
}

/** A whole number that a double does not hold stays text: as a number it would be another one. */
function isExact(cell: string): boolean {
  const value = Number(cell)
  return Number.isFinite(value) && (!/^-?\d+$/.test(cell) || Number.isSafeInteger(value))
}

function parsed(cell: string): unknown {
  try {
    return JSON.parse(cell)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
