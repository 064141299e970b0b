import { VarintReader } from './varint.ts'

const NONE = Buffer.alloc(0)

/** Where a header's name and value lie in the record's bytes. */
export interface HeaderPlace {
  nameAt: number
  nameEnd: number
  valueAt: number
  valueEnd: number
}

/** Walks the records of one unpacked batch without an object for each: `while (records.next()) …`. The fields describe the current record. */
export class RecordCursor {
  readonly bytes: Buffer
  readonly #reader: VarintReader
  readonly #count: number
  #index = -1
  offsetDelta = 0
  timestampDelta = 0
  /** −1 where the record has no key; so with the value. */
  keyAt = -1
  keyEnd = -1
  valueAt = -1
  valueEnd = -1
  /** Of the headers that are there; {@link headers} holds more places than that. */
  headerCount = 0
  readonly headers: HeaderPlace[] = []

  constructor(bytes: Buffer, count: number) {
    this.bytes = bytes
    this.#reader = new VarintReader(bytes)
    this.#count = count
  }

  /** @throws Error where the bytes end before the records do. */
  next(): boolean {
    if (++this.#index >= this.#count) return false
    const reader = this.#reader
    const length = reader.next()
    const end = reader.at + length
    if (length < 0 || end > this.bytes.length) throw new Error(`record ${this.#index} of ${this.#count} does not end within the batch`)
    reader.at++ // attributes, which stand for nothing
    this.timestampDelta = reader.next()
    this.offsetDelta = reader.next()
    const keyBytes = reader.next()
    this.keyAt = keyBytes < 0 ? -1 : reader.at
    reader.at += Math.max(keyBytes, 0)
    this.keyEnd = reader.at
    const valueBytes = reader.next()
    this.valueAt = valueBytes < 0 ? -1 : reader.at
    reader.at += Math.max(valueBytes, 0)
    this.valueEnd = reader.at
    this.headerCount = reader.next()
    for (let i = 0; i < this.headerCount; i++) {
      if (reader.at > end) throw new Error(`record ${this.#index} of ${this.#count} does not hold its headers`)
      let place = this.headers[i]
      if (place === undefined) {
        place = { nameAt: 0, nameEnd: 0, valueAt: 0, valueEnd: 0 }
        this.headers.push(place)
      }
      const nameBytes = Math.max(reader.next(), 0)
      place.nameAt = reader.at
      place.nameEnd = reader.at += nameBytes
      const headerBytes = Math.max(reader.next(), 0)
      place.valueAt = reader.at
      place.valueEnd = reader.at += headerBytes
    }
    if (reader.at > end) throw new Error(`record ${this.#index} of ${this.#count} is longer than it says`)
    reader.at = end
    return true
  }

  /** Empty where there is none: a tombstone holds no more than no bytes. */
  get value(): Buffer {
    return this.valueAt < 0 ? NONE : this.bytes.subarray(this.valueAt, this.valueEnd)
  }
}
