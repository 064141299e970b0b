import { idTimeMs, mint, parseId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import { notesBatch } from '../../stream/notes.ts'
import { partitionOfKey } from '../../stream/partition.ts'
import type { AppendBatch, Appended, GroupedStream, TopicPartition } from '../../stream/stream.ts'
import type { Snapshot } from '../engine.ts'
import { SNAPSHOTS } from './internal-topics.ts'

/** A chunk is a batch of its own, and brokers limit how large one may be. */
const CHUNK_BYTES = 1_000_000
/** Chunks appended at once: a large snapshot must not fill all the room that the stream has for what is under way. */
const AT_ONCE = 8
const READ_BYTES = 4 * 1024 * 1024
/** Snapshots that are put together at once; one that was cut off is never whole. */
const OPEN_COUNT = 8
/**
 * A place's snapshots take turns in so many keys, so that one which is cut off, or written by somebody who has lost the place, takes
 * nothing of the last whole one when the topic is compacted.
 */
const TURNS = 4
/** How far the clocks of those who append and of those who take snapshots may be apart. */
const CLOCKS_MS = 60_000

/** What a chunk says of itself, before its bytes. */
interface ChunkHead {
  /** Names the snapshot: what others write at the same time lies between its chunks. */
  readonly id: string
  readonly place: string
  readonly offset: number
  readonly turn: number
  readonly chunk: number
  readonly chunks: number
}

interface Whole {
  readonly id: string
  readonly offset: number
  readonly turn: number
  readonly bytes: Uint8Array
}

type SnapshotStream = Pick<GroupedStream, 'append' | 'read' | 'bounds' | 'appendedMs'>
type Append = (batches: readonly AppendBatch[]) => Promise<readonly Appended[]>

/** Folds' snapshots in the stream, each in chunks, in their order. A checkpoint says where its own begins. */
export class Snapshots {
  readonly #stream: SnapshotStream
  /** Of each place, the turn that was read or written last. */
  readonly #turns = new Map<string, number>()

  constructor(stream: SnapshotStream) {
    this.#stream = stream
  }

  /** @returns where it begins, once all of it is durable. */
  async append(snapshot: Snapshot, nowMs: number, append: Append = batches => this.#stream.append(batches)): Promise<number> {
    const place = placeKey(snapshot.group, snapshot)
    const turn = ((this.#turns.get(place) ?? TURNS - 1) + 1) % TURNS
    this.#turns.set(place, turn)
    const chunks = Math.max(1, Math.ceil(snapshot.bytes.length / CHUNK_BYTES))
    const whole = { id: mint(nowMs), place, offset: snapshot.offset, turn, chunks }
    let first: number | undefined
    for (let from = 0; from < chunks; from += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, chunks - from) }, (_, i) => from + i)
      const appended = await append(numbers.map(chunk => chunkBatch({ ...whole, chunk }, snapshot.bytes, nowMs)))
      first ??= appended[0]!.first
    }
    return first!
  }

  /**
   * The snapshot that begins at `pointer`; where compaction has moved it, or nobody knows where it is, the last whole one up to `atMost`.
   * None where the pointer came from a group whose place this one has taken over: its state may be of another kind, and is built again from
   * the log. None either of a topic that was deleted since and made anew.
   * @param atMost the committed offset: what stands for more would show the past data of its future.
   */
  async read(group: string, at: TopicPartition, pointer: number | undefined, atMost: number): Promise<Snapshot | undefined> {
    const place = placeKey(group, at)
    const partition = partitionOfKey(place, SNAPSHOTS.partitions)
    const pointed = pointer === undefined ? undefined : await this.#at(place, partition, pointer, atMost)
    const found = pointed ?? (await this.#last(place, partition, atMost))
    if (found === undefined || (pointer === undefined && !(await this.#isOfThisLog(found, at)))) return undefined
    this.#turns.set(place, found.turn)
    return { group, topic: at.topic, partition: at.partition, offset: found.offset, bytes: found.bytes }
  }

  /** The one that begins at an offset; undefined where another does, or what is left of another. */
  async #at(place: string, partition: number, pointer: number, atMost: number): Promise<Whole | undefined> {
    let id: string | undefined
    const parts: Uint8Array[] = []
    for await (const [head, bytes] of this.#chunks(partition, pointer)) {
      if (id === undefined && (head.place !== place || head.chunk !== 0 || head.offset > atMost)) return undefined
      id ??= head.id
      if (head.id !== id) continue
      if (head.chunk !== parts.length) return undefined
      parts.push(Uint8Array.from(bytes))
      if (parts.length === head.chunks) return { id, offset: head.offset, turn: head.turn, bytes: Buffer.concat(parts) }
    }
    return undefined
  }

  async #last(place: string, partition: number, atMost: number): Promise<Whole | undefined> {
    let whole: Whole | undefined
    const open = new Map<string, Uint8Array[]>()
    for await (const [head, bytes] of this.#chunks(partition, 0)) {
      if (head.place !== place || head.offset > atMost || head.offset < (whole?.offset ?? 0)) continue
      const parts = open.get(head.id) ?? []
      if (head.chunk !== parts.length) continue
      parts.push(Uint8Array.from(bytes))
      open.set(head.id, parts)
      if (parts.length === head.chunks) {
        whole = { id: head.id, offset: head.offset, turn: head.turn, bytes: Buffer.concat(parts) }
        open.delete(head.id)
      }
      const [oldest] = open.keys()
      if (open.size > OPEN_COUNT && oldest !== undefined) open.delete(oldest)
    }
    return whole
  }

  /** Whether it was taken after its last datum was appended: one of a topic that was made anew since is older than that. */
  async #isOfThisLog({ id, offset }: Whole, { topic, partition }: TopicPartition): Promise<boolean> {
    if (offset === 0) return true
    const appendedMs = await this.#stream.appendedMs(topic, partition, offset - 1)
    return appendedMs !== undefined && appendedMs <= idTimeMs(parseId(id), 0) + CLOCKS_MS
  }

  async *#chunks(partition: number, from: number): AsyncGenerator<[ChunkHead, Uint8Array], void> {
    const bounds = (await this.#stream.bounds(SNAPSHOTS.name))[partition]
    const range = { first: Math.max(from, bounds?.first ?? 0), end: bounds?.next ?? 0 }
    for await (const batch of knownRange(this.#stream, { topic: SNAPSHOTS.name, partition }, range, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) if (!cursor.isVoid) yield parted(cursor.data)
    }
  }
}

function chunkBatch(head: ChunkHead, bytes: Uint8Array, nowMs: number): AppendBatch {
  const data = joined(head, bytes.subarray(head.chunk * CHUNK_BYTES, (head.chunk + 1) * CHUNK_BYTES))
  const notes = [{ key: `${head.place}#${head.turn}#${head.chunk}`, data }]
  return notesBatch(SNAPSHOTS.name, partitionOfKey(head.place, SNAPSHOTS.partitions), notes, nowMs)
}

function placeKey(group: string, { topic, partition }: TopicPartition): string {
  return `${group}|${topic}|${partition}`
}

function joined(head: ChunkHead, bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(head), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text, bytes])
}

function parted(data: Buffer): [ChunkHead, Uint8Array] {
  const headEnd = 4 + data.readUInt32LE(0)
  // Only joined() writes these.
  return [JSON.parse(data.toString('utf8', 4, headEnd)) as ChunkHead, data.subarray(headEnd)]
}
