import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import { toJsonText } from '../../envelope/json-text.ts'
import type { ColumnType, Kind } from './columns.ts'
import type { Compression } from './compression.ts'
import type { Sink } from './format.ts'
import type { Column, RowGroup } from './row-group.ts'

const CODECS = { zstd: 'ZSTD', gzip: 'GZIP', snappy: 'SNAPPY', none: 'UNCOMPRESSED' } as const
/** An empty page stays empty: some readers refuse a compressed nothing. */
const COMPRESSORS = {
  ZSTD: (page: Uint8Array) => (page.length === 0 ? page : zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })),
  GZIP: (page: Uint8Array) => (page.length === 0 ? page : gzipSync(page)),
}
const PHYSICAL = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
} as const satisfies Record<Kind, Partial<SchemaElement>>
/** Constant, so that a file's bytes follow from its data. */
const CREATED_BY = 'millrace'

/** One Parquet file while it is written, a row group at a time; each is handed on as it is done. */
export class ParquetFile {
  readonly #columns: readonly (ColumnType & { readonly field: string })[]
  readonly #writer: ParquetWriter
  readonly #envelope: boolean

  /** @param rows the first: they fix the columns. */
  constructor(rows: RowGroup, compression: Compression, sink: Sink) {
    this.#envelope = rows.envelope !== undefined
    this.#columns = columnsOf(rows)
    this.#writer = new ParquetWriter({
      writer: new SinkWriter(sink),
      schema: schemaOf(this.#columns, this.#envelope),
      codec: CODECS[compression],
      compressors: COMPRESSORS,
      createdBy: CREATED_BY,
    })
  }

  /** Whether these rows fit the file's columns. */
  takes(rows: RowGroup): boolean {
    const kinds = new Map(this.#columns.map(column => [column.field, column.kind]))
    return [...rows.columns].every(([field, { kind }]) => kind === undefined || kinds.get(field) === kind || kinds.get(field) === 'json')
  }

  add(rows: RowGroup): void {
    const columnData = this.#columns.map(({ field, name, kind }) => ({ name, ...encoded(rows.columns.get(field), kind, rows.count) }))
    // Our sink is synchronous, and so is the writing.
    void this.#writer.write({ columnData: [...envelopeData(rows), ...columnData], rowGroupSize: rows.count })
  }

  finish(): void {
    void this.#writer.finish()
  }
}

/** Those of the schema in its order, then the others by name: the order in which they happened to come would differ from file to file. */
function columnsOf(rows: RowGroup) {
  const all = [...rows.columns].flatMap(([field, { name, kind, declared }]) =>
    kind === undefined ? [] : [{ field, name, kind, declared }],
  )
  const others = all.filter(column => !column.declared).sort((a, b) => (a.name < b.name ? -1 : 1))
  return [...all.filter(column => column.declared), ...others]
}

function schemaOf(columns: readonly ColumnType[], envelope: boolean): SchemaElement[] {
  const leaves: SchemaElement[] = columns.map(({ name, kind }) => ({ name, ...PHYSICAL[kind], repetition_type: 'OPTIONAL' }))
  if (envelope) {
    leaves.unshift(
      { name: 'data_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'source', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'created', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' },
      { name: 'parents', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    )
  }
  return [{ name: 'root', num_children: leaves.length }, ...leaves]
}

function envelopeData({ envelope, count }: RowGroup) {
  if (envelope === undefined) return []
  const ids = Array.from({ length: count }, (_, row) => envelope.ids.subarray(row * 36, row * 36 + 36))
  return [
    // No two are alike: neither a dictionary nor their least and greatest are of use.
    { name: 'data_id', data: ids, encoding: 'PLAIN' as const, statistics: false },
    { name: 'source', data: envelope.sources },
    { name: 'created', data: envelope.created },
    { name: 'parents', data: envelope.parents, statistics: false },
  ]
}

function encoded(column: Column | undefined, kind: Kind, count: number) {
  if (column === undefined) return { data: new Array(count) }
  if (kind === 'json') {
    const data = column.values.map(value => (value === undefined ? undefined : Buffer.from(toJsonText(value))))
    return { data: Array.from(data), statistics: false }
  }
  const data = Array.from(column.values)
  if (kind !== 'string' || !mostlyDistinct(data)) return { data }
  // The library makes an encoder for each string that it writes; text without repeats is cheaper given as bytes.
  return { data: data.map(text => (text === undefined ? undefined : Buffer.from(String(text)))), encoding: 'PLAIN' as const }
}

const SAMPLE = 200

function mostlyDistinct(values: readonly unknown[]): boolean {
  const step = Math.max(1, Math.floor(values.length / SAMPLE))
  const seen = new Set<unknown>()
  let sampled = 0
  for (let i = 0; i < values.length; i += step) {
    if (values[i] === undefined) continue
    seen.add(values[i])
    sampled++
  }
  return seen.size > sampled * 0.7
}

/** Hands on what was written after each row group, and its memory with it: a roll has many such writers open. */
class SinkWriter extends ByteWriter {
  readonly #sink: Sink

  constructor(sink: Sink) {
    super()
    this.#sink = sink
  }

  flush(): void {
    if (this.index > 0) this.#sink.append(new Uint8Array(this.buffer, 0, this.index))
    this.buffer = new ArrayBuffer(FIRST_BYTES)
    this.view = new DataView(this.buffer)
    this.index = 0
  }

  override finish(): void {
    this.flush()
  }
}

const FIRST_BYTES = 1024
