import { FrameCursor } from '../../envelope/frame.ts'
import { partitionOfKey } from '../../stream/partition.ts'
import type { AppendBatch, GroupedStream, TopicPartition } from '../../stream/stream.ts'
import type { Snapshot } from '../engine.ts'
import { SNAPSHOTS } from './internal-topics.ts'
import { notesBatch } from './note-frame.ts'

const CHUNK_BYTES = 512 * 1024
const READ_BYTES = 4 * 1024 * 1024
/**
 * A place's snapshots take turns in so many keys, so that one which is cut off, or written by somebody who has lost the place, takes
 * nothing of the last whole one when the topic is compacted.
 */
const TURNS = 4

/** What a chunk says of itself, before its bytes. */
interface ChunkHead {
  readonly place: string
  readonly offset: number
  readonly turn: number
  readonly chunk: number
  readonly chunks: number
}

/** Folds' snapshots in the stream, each in chunks that follow each other. A checkpoint says where its own begins. */
export class Snapshots {
  readonly #stream: Pick<GroupedStream, 'read' | 'bounds' | 'topics'>
  /** Of each place, the turn that was read or written last. */
  readonly #turns = new Map<string, number>()

  constructor(stream: Pick<GroupedStream, 'read' | 'bounds' | 'topics'>) {
    this.#stream = stream
  }

  batch(snapshot: Snapshot, nowMs: number): AppendBatch {
    const place = placeKey(snapshot.group, snapshot)
    const turn = ((this.#turns.get(place) ?? TURNS - 1) + 1) % TURNS
    this.#turns.set(place, turn)
    const chunks = Math.max(1, Math.ceil(snapshot.bytes.length / CHUNK_BYTES))
    const notes = Array.from({ length: chunks }, (_, chunk) => ({
      key: `${place}#${turn}#${chunk}`,
      data: joined(
        { place, offset: snapshot.offset, turn, chunk, chunks },
        snapshot.bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES),
      ),
    }))
    return notesBatch(SNAPSHOTS.name, partitionOfKey(place, SNAPSHOTS.partitions), notes, nowMs)
  }

  /**
   * The snapshot that begins at `pointer`; where compaction has moved it, the last whole one up to `atMost`.
   * @param atMost the committed offset: what stands for more would show the past data of its future.
   */
  async read(group: string, at: TopicPartition, pointer: number, atMost: number): Promise<Snapshot | undefined> {
    const place = placeKey(group, at)
    const partition = partitionOfKey(place, SNAPSHOTS.partitions)
    const found = (await this.#whole(place, partition, pointer, atMost, true)) ?? (await this.#whole(place, partition, 0, atMost, false))
    if (found === undefined) return undefined
    this.#turns.set(place, found.turn)
    return { group, topic: at.topic, partition: at.partition, offset: found.offset, bytes: found.bytes }
  }

  /** @param first the first whole one will do. */
  async #whole(place: string, partition: number, from: number, atMost: number, first: boolean) {
    let whole: { readonly offset: number; readonly turn: number; readonly bytes: Uint8Array } | undefined
    let parts: Uint8Array[] = []
    let last: ChunkHead | undefined
    const end = (await this.#stream.bounds(SNAPSHOTS.name))[partition]?.next ?? 0
    for (let next = from; next < end; ) {
      const batch = await this.#stream.read(SNAPSHOTS.name, partition, next, READ_BYTES)
      if (batch.count === 0) break
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        if (batch.first + cursor.index < next || cursor.isVoid) continue
        const [head, bytes] = parted(cursor.data)
        if (head.place !== place || head.offset > atMost) {
          // Those that begin elsewhere than they should are not the one that the checkpoint meant.
          if (first && last === undefined) return undefined
          continue
        }
        const goesOn = last !== undefined && last.offset === head.offset && last.turn === head.turn && last.chunk + 1 === head.chunk
        if (!goesOn) parts = []
        if (!goesOn && head.chunk !== 0) {
          if (first) return undefined
          last = undefined
          continue
        }
        parts.push(Uint8Array.from(bytes))
        last = head
        if (head.chunk + 1 < head.chunks) continue
        if (whole === undefined || head.offset >= whole.offset)
          whole = { offset: head.offset, turn: head.turn, bytes: Buffer.concat(parts) }
        if (first) return whole
      }
      next = batch.first + batch.count
    }
    return whole
  }
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
