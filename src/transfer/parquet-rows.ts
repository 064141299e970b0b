import type { DataId } from '../envelope/data-id.ts'
import { isDataId } from '../envelope/data-id.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { columnName, declaredColumns, WHOLE } from '../storage/formats/columns.ts'
import { PAGES } from '../storage/formats/parquet-pages.ts'
import type { Topic } from '../stream/topic.ts'
import type { Found } from './found.ts'

const ENVELOPE = ['data_id', 'source', 'created', 'parents']
const BYTES_TYPE = 'application/octet-stream'
const PREFIX = 'data_'

/**
 * The rows of a Parquet file that Millrace has written, a row group at a time, as envelopes of a topic. Data become JSON again from their
 * columns: a field without a value is left out, and bytes stay bytes.
 * @throws CONFIG_INVALID of what is no such file, from the caller's `wrong`.
 */
export async function* parquetRows(path: string, topic: Topic, wrong: (why: string, cause?: unknown) => Error): AsyncGenerator<Found[]> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
    throw wrong('it is no Parquet file', cause)
  })
  const names = new Set(metadata.schema.map(element => element.name))
  const lacking = ENVELOPE.filter(name => !names.has(name))
  if (lacking.length > 0) throw wrong(`it has no column ${lacking.join(', ')}: it was not written with the envelope`)
  const rows = new Rows(topic)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const reading = parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors: PAGES, utf8: false })
    const read = await reading.catch((cause: unknown) => {
      throw wrong(`its rows from ${rowStart + 1} on cannot be read (${cause instanceof Error ? cause.message : cause})`, cause)
    })
    yield read.map((row, i) => rows.found(rowStart + i + 1, row))
    rowStart = rowEnd
  }
}

/** Makes data of columns. */
class Rows {
  readonly #topic: string
  readonly #kinds: ReadonlyMap<string, string>
  readonly #fields = new Map<string, string>()

  constructor(topic: Topic) {
    this.#topic = topic.name
    this.#kinds = new Map(declaredColumns(topic).map(({ name, kind }) => [name, kind]))
  }

  found(at: number, row: Readonly<Record<string, unknown>>): Found {
    const { data_id: id, source, created, parents } = row
    if (typeof id !== 'string' || !isDataId(id)) return { at, problem: `its data_id is ${JSON.stringify(id)}, which is no UUID` }
    if (typeof source !== 'string' || source === '') return { at, problem: 'it has no source' }
    if (!(created instanceof Date) || Number.isNaN(created.getTime())) return { at, problem: 'its created is no time' }
    const from = parentsOf(parents)
    if (from === undefined) return { at, problem: 'its parents are no list of UUIDs' }
    const envelope: Envelope = {
      dataId: id,
      source,
      createdMs: created.getTime(),
      type: this.#topic,
      ...this.#data(row),
      ...(from.length === 0 ? {} : { parents: from }),
    }
    return { at, envelope }
  }

  #data(row: Readonly<Record<string, unknown>>): Pick<Envelope, 'data' | 'contentType'> {
    const whole = row[WHOLE]
    if (whole instanceof Uint8Array) return { data: whole, contentType: BYTES_TYPE }
    if (whole !== undefined && whole !== null) return { data: Buffer.from(JSON.stringify(this.#value(WHOLE, whole))) }
    const datum: Record<string, unknown> = {}
    for (const [column, value] of Object.entries(row)) {
      if (ENVELOPE.includes(column) || column === WHOLE || value === null || value === undefined) continue
      const field = this.#field(column)
      // Defined, not assigned: a field may be called __proto__.
      Object.defineProperty(datum, field, { value: this.#value(field, value), enumerable: true, configurable: true, writable: true })
    }
    return { data: Buffer.from(JSON.stringify(datum)) }
  }

  /** {@link columnName}'s inverse. */
  #field(column: string): string {
    let field = this.#fields.get(column)
    if (field === undefined) {
      const short = column.startsWith(PREFIX) ? column.slice(PREFIX.length) : column
      field = short !== column && columnName(short, true) === column ? short : column
      this.#fields.set(column, field)
    }
    return field
  }

  /** Text of a column is JSON where the schema says neither text nor nothing; where it says nothing, if it looks like an object or a list. */
  #value(field: string, value: unknown): unknown {
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    if (typeof value !== 'string') return value
    const kind = this.#kinds.get(field)
    if (kind === 'json' || (kind === undefined && /^\s*[[{]/.test(value))) return parsed(value)
    return value
  }
}

/** The text itself where it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function parentsOf(value: unknown): readonly DataId[] | undefined {
  if (value === null || value === undefined) return []
  const list = typeof value === 'string' ? parsed(value) : undefined
  return Array.isArray(list) && list.every((id): id is DataId => typeof id === 'string' && isDataId(id)) ? list : undefined
}
