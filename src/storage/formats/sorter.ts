import { FrameCursor } from '../../envelope/frame.ts'
import type { RecordBatch } from '../../stream/stream.ts'
import type { Topic } from '../../stream/topic.ts'
import type { Roll, Written } from '../storage.ts'
import type { Staged } from './aside.ts'
import type { Layout } from './layout.ts'
import { type Desk, OpenFile } from './open-file.ts'

/** Memory for what is gathered and not encoded yet, over all files of a roll. */
export const GATHER_BYTES = 32_000_000
/** The furthest time that a Date holds, either way from 1970. */
const FURTHEST_MS = 8.64e15

/**
 * Sorts a roll's data into its files, by topic, key and interval, in bounded memory: where all files together have gathered too
 * much, the largest are encoded and written as far as they are. What is encoded when depends on the data alone, so every attempt at
 * the roll gives the same bytes.
 */
export class Sorter {
  readonly #roll: Roll
  readonly #layout: Layout
  readonly #desk: Omit<Desk, 'unstorable'>
  readonly #open = new Map<Topic, Map<string, Map<number, OpenFile>>>()
  readonly #files: OpenFile[] = []
  readonly #unstorable: { offset: number; reason: string }[] = []
  readonly #limitBytes: number
  #heldBytes = 0

  constructor(roll: Roll, layout: Layout, desk: Omit<Desk, 'unstorable'>, limitBytes: number = GATHER_BYTES) {
    this.#roll = roll
    this.#layout = layout
    this.#desk = desk
    this.#limitBytes = limitBytes
  }

  /** Memory held by all that is gathered. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  add(batch: RecordBatch): void {
    const { format } = this.#desk
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      const file = this.#fileOf(cursor, offset)
      if (file === undefined) continue
      const { gathered } = file
      const heldBefore = gathered.capacity
      const issue = format.gather(cursor, offset, file.topic, batch.ascii, gathered)
      this.#heldBytes += gathered.capacity - heldBefore
      if (issue !== undefined) {
        this.#unstorable.push({ offset, reason: issue })
        continue
      }
      gathered.count++
      if (gathered.length >= format.chunkBytes) this.#spill(file, gathered.capacity > 2 * format.chunkBytes)
      if (this.#heldBytes > this.#limitBytes) this.#makeRoom()
    }
  }

  finish(): { files: Staged[]; written: Written } {
    for (const file of this.#files) {
      this.#spill(file, true)
      file.finish()
    }
    const files = this.#files.flatMap(file => file.staged)
    const bytes = this.#files.reduce((sum, file) => sum + file.bytes, 0)
    return { files, written: { files: files.length, bytes, unstorable: this.#unstorable } }
  }

  #fileOf(cursor: FrameCursor, offset: number): OpenFile | undefined {
    const type = cursor.type
    const topic = type === '' ? this.#roll.topic : this.#roll.types.get(type)
    const { createdMs } = cursor
    if (topic === undefined || !(Math.abs(createdMs) <= FURTHEST_MS)) {
      const reason = topic === undefined ? `its topic '${type}' is not one that this agent stores` : `its time ${createdMs} is none`
      this.#unstorable.push({ offset, reason })
      return undefined
    }
    const key = this.#layout.keyed(topic) ? cursor.key : ''
    const interval = this.#layout.intervalOf(createdMs)
    let byKey = this.#open.get(topic)
    if (byKey === undefined) {
      byKey = new Map()
      this.#open.set(topic, byKey)
    }
    let byInterval = byKey.get(key)
    if (byInterval === undefined) {
      byInterval = new Map()
      byKey.set(key, byInterval)
    }
    let file = byInterval.get(interval)
    if (file === undefined) {
      const desk = { ...this.#desk, unstorable: (at: number, reason: string) => this.#unstorable.push({ offset: at, reason }) }
      file = new OpenFile(desk, topic, part => this.#layout.path(this.#roll, topic, key, interval, part))
      byInterval.set(interval, file)
      this.#files.push(file)
    }
    return file
  }

  #spill(file: OpenFile, release: boolean): void {
    this.#heldBytes -= file.gathered.capacity
    file.spill(release)
    this.#heldBytes += file.gathered.capacity
  }

  /** The largest first, down to half the limit: sorting for each byte over it would cost more than the writing. */
  #makeRoom(): void {
    const largest = this.#files.filter(file => file.gathered.capacity > 0).sort((a, b) => b.gathered.length - a.gathered.length)
    for (const file of largest) {
      if (this.#heldBytes <= this.#limitBytes / 2) return
      this.#spill(file, true)
    }
  }
}
