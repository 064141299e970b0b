import { failpoint } from '../engine/failpoint.ts'
import { type FrameParts, FrameWriter } from '../envelope/frame.ts'
import type { AppendBatch, Stream } from '../stream/stream.ts'
import type { Incoming } from './datum.ts'
import type { Route } from './routes.ts'

/** What became of a datum that was appended. */
export const STORED = 0
export const DUPLICATE = 1
/** Its id belongs to another source. */
export const TAKEN = 2

/** Writers that have handed over their frames, by partition, for the next gathering: making their buffers anew costs more than filling them. */
const idleWriters = new WeakMap<Route, (FrameWriter | undefined)[]>()
/** A writer that has held more is let go, with its memory. */
const KEEP_BYTES = 32_768
const FIRST_BYTES = 4_096

interface Slot {
  readonly route: Route
  readonly partition: number
  readonly writer: FrameWriter
  /** For each frame, its place in the order of adding. */
  readonly members: number[]
}

/** Data on their way into one append, framed once: a record batch for each partition. */
export class Gathering {
  readonly #slots: Slot[] = []
  readonly #byRoute = new Map<Route, (Slot | undefined)[]>()
  #count = 0
  readonly #parts: FrameParts = {
    id: new Uint8Array(0),
    idAt: 0,
    supplied: false,
    source: new Uint8Array(0),
    createdMs: 0,
    contentType: '',
    type: '',
    key: '',
    parents: new Uint8Array(0),
    data: '',
    asciiText: false,
  }

  get count(): number {
    return this.#count
  }

  add(datum: Incoming, partition: number, key: string | undefined, id: Uint8Array, idAt: number): void {
    const slot = this.#slot(datum.route, partition)
    const parts = this.#parts
    parts.id = id
    parts.idAt = idAt
    parts.supplied = datum.suppliedId !== undefined
    parts.source = datum.sourceBytes
    parts.createdMs = datum.createdMs
    parts.contentType = datum.contentType
    parts.key = key ?? ''
    parts.parents = datum.parents
    parts.data = datum.data
    parts.asciiText = datum.asciiText === true
    slot.writer.add(parts)
    slot.members.push(this.#count++)
  }

  /**
   * Appends everything in one call. Resolves when it is durable, with what became of each in the order of adding.
   * Rejects with the stream's own error: then nothing may be promised of any of them.
   */
  async append(stream: Pick<Stream, 'append'>): Promise<Uint8Array> {
    const batches = this.#slots.map(taken)
    const appended = await stream.append(batches)
    failpoint('after-append')
    const outcome = new Uint8Array(this.#count)
    for (let i = 0; i < this.#slots.length; i++) {
      const { members } = this.#slots[i]!
      for (const index of appended[i]!.duplicates) outcome[members[index]!] = DUPLICATE
      for (const index of appended[i]!.taken) outcome[members[index]!] = TAKEN
    }
    return outcome
  }

  #slot(route: Route, partition: number): Slot {
    let slots = this.#byRoute.get(route)
    if (slots === undefined) {
      slots = new Array<Slot | undefined>(route.partitions)
      this.#byRoute.set(route, slots)
    }
    let slot = slots[partition]
    if (slot === undefined) {
      slot = { route, partition, writer: writerFor(route, partition), members: [] }
      slots[partition] = slot
      this.#slots.push(slot)
    }
    return slot
  }
}

function writerFor(route: Route, partition: number): FrameWriter {
  const idle = idleWriters.get(route)
  const writer = idle?.[partition]
  if (writer === undefined) return new FrameWriter(FIRST_BYTES)
  idle![partition] = undefined
  return writer
}

function taken({ route, partition, writer }: Slot): AppendBatch {
  const isSmall = writer.byteLength <= KEEP_BYTES
  const { frames, count, ascii } = writer.take()
  if (isSmall) {
    let idle = idleWriters.get(route)
    if (idle === undefined) {
      idle = new Array<FrameWriter | undefined>(route.partitions)
      idleWriters.set(route, idle)
    }
    idle[partition] = writer
  }
  return { topic: route.name, partition, frames, count, ascii }
}
