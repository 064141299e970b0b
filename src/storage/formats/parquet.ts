import type { FrameCursor } from '../../envelope/frame.ts'
import type { Topic } from '../../stream/topic.ts'
import { type ColumnType, declaredColumns } from './columns.ts'
import type { Compression } from './compression.ts'
import type { Encoder, Format, Sink } from './format.ts'
import type { Gathered } from './gathered.ts'
import { ParquetFile } from './parquet-file.ts'
import { type Begin, RowGroup } from './row-group.ts'

/** Bytes of frames in a row group. Its decoded rows take several times as much for a moment, which is what bounds it. */
const ROW_GROUP_BYTES = 8_000_000

/**
 * Parquet with a column for each field of the data, beside those of the envelope. Data are gathered as frames and decoded a row group
 * at a time, so that open files hold no decoded rows.
 */
export class Parquet implements Format {
  readonly extension = 'parquet'
  readonly chunkBytes = ROW_GROUP_BYTES
  readonly #envelope: boolean
  readonly #compression: Compression
  readonly #declared = new Map<Topic, readonly ColumnType[]>()

  constructor(envelope: boolean, compression: Compression) {
    this.#envelope = envelope
    this.#compression = compression
  }

  gather(cursor: FrameCursor, offset: number, _topic: Topic, ascii: boolean, into: Gathered): undefined {
    into.reserve(cursor.end - cursor.start)
    into.length += cursor.bytes.copy(into.bytes, into.length, cursor.start, cursor.end)
    into.offsets.push(offset)
    into.ascii &&= ascii
  }

  encoder(topic: Topic): Encoder {
    let declared = this.#declared.get(topic)
    if (declared === undefined) {
      declared = declaredColumns(topic)
      this.#declared.set(topic, declared)
    }
    return new ParquetEncoder(declared, this.#envelope, this.#compression)
  }
}

class ParquetEncoder implements Encoder {
  readonly #declared: readonly ColumnType[]
  readonly #envelope: boolean
  readonly #compression: Compression
  #file: ParquetFile | undefined

  constructor(declared: readonly ColumnType[], envelope: boolean, compression: Compression) {
    this.#declared = declared
    this.#envelope = envelope
    this.#compression = compression
  }

  encode(gathered: Gathered, sink: Sink): void {
    for (let begin: Begin | undefined = { index: 0, at: 0 }; begin !== undefined; ) {
      const rows: RowGroup = new RowGroup(
        gathered,
        this.#declared,
        this.#envelope,
        (offset, reason) => sink.unstorable(offset, reason),
        begin,
      )
      if (rows.count > 0) this.#add(rows, sink)
      begin = rows.rest
    }
  }

  #add(rows: RowGroup, sink: Sink): void {
    // A file's columns are fixed by its first rows. A field that comes later, or changes its kind, begins the next part.
    if (this.#file !== undefined && !this.#file.takes(rows)) {
      this.finish()
      sink.nextPart()
    }
    this.#file ??= new ParquetFile(rows, this.#compression, sink)
    this.#file.add(rows)
    sink.holds(rows.span)
  }

  finish(): void {
    this.#file?.finish()
    this.#file = undefined
  }
}
