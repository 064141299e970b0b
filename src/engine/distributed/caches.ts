import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import { notesBatch } from '../../stream/notes.ts'
import { partitionOfKey } from '../../stream/partition.ts'
import type { AppendBatch, GroupedStream } from '../../stream/stream.ts'
import type { CachedEntry, CachedValue, CacheStore } from '../../trace/trace.ts'
import type { CacheEntry, CacheView, CacheWrite } from '../engine.ts'
import { cacheTopic } from './internal-topics.ts'
import type { PlacedWrite } from './replayed-writes.ts'

const READ_BYTES = 4 * 1024 * 1024

type TimedWrite = PlacedWrite & { readonly updatedMs?: number }

/**
 * Caches: durable in the stream, and held for asking in the trace's cache store. The store may lose everything at any moment; whoever
 * finds that out, writing or asking, fills it again from the stream.
 */
export class Caches {
  readonly #stream: Pick<GroupedStream, 'ensure' | 'topics' | 'bounds' | 'read'>
  readonly #store: CacheStore
  readonly #made = new Set<string>()
  readonly #filling = new Map<string, Promise<void>>()

  constructor(stream: Pick<GroupedStream, 'ensure' | 'topics' | 'bounds' | 'read'>, store: CacheStore) {
    this.#stream = stream
    this.#store = store
  }

  /** Makes the topics of the caches that are written to for the first time. */
  async prepare(writes: readonly CacheWrite[]): Promise<void> {
    const missing = new Set(writes.map(({ cache }) => cache)).difference(this.#made)
    if (missing.size === 0) return
    await this.#stream.ensure([...missing].map(cacheTopic))
    for (const cache of missing) this.#made.add(cache)
  }

  /** Writes of now, but for those that say of when they are. */
  batches(writes: readonly TimedWrite[], nowMs: number): AppendBatch[] {
    return [...Map.groupBy(writes, write => partitioned(write))].map(([, of]) => {
      const [{ cache, key } = { cache: '', key: '' }] = of
      const notes = of.map(write => ({ key: compactionKey(write), data: JSON.stringify({ updatedMs: nowMs, ...write }) }))
      return notesBatch(cacheTopic(cache).name, partitionOfKey(key, cacheTopic(cache).partitions), notes, nowMs)
    })
  }

  /** Shows what is durable in the stream by now. */
  async show(writes: readonly TimedWrite[], nowMs: number): Promise<void> {
    for (const [cache, of] of Map.groupBy(writes, write => write.cache)) {
      const values = of.map(write => ({ updatedMs: nowMs, ...write }))
      if (!(await this.#store.write(cache, values))) await this.#fill(cache)
    }
  }

  async view(cache: string): Promise<CacheView | undefined> {
    const held = await this.#held(cache, () => this.#store.view(cache))
    // A cache that was made and never written to is none.
    if (held === undefined || held.entries.length === 0) return undefined
    return { revision: held.revision, entries: held.entries.map(entryOf) }
  }

  async entry(cache: string, key: string): Promise<CacheEntry | undefined> {
    const held = await this.#held(cache, () => this.#store.entry(cache, key))
    return held === undefined || held === null ? undefined : entryOf(held)
  }

  async #held<T>(cache: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const held = await ask()
    if (held !== undefined || !(await this.#stream.topics()).some(({ name }) => name === cacheTopic(cache).name)) return held
    await this.#fill(cache)
    return ask()
  }

  /** Once at a time in this process; two processes at it write the same. */
  #fill(cache: string): Promise<void> {
    const filling = this.#filling.get(cache) ?? this.#fillNow(cache).finally(() => this.#filling.delete(cache))
    this.#filling.set(cache, filling)
    return filling
  }

  async #fillNow(cache: string): Promise<void> {
    const topic = cacheTopic(cache).name
    for (const [partition, { first, next }] of (await this.#stream.bounds(topic)).entries()) {
      const range = { first, end: next }
      for await (const batch of knownRange(this.#stream, { topic, partition }, range, { readBytes: READ_BYTES }))
        await this.#store.begin(cache, valuesOf(batch.frames), false)
    }
    await this.#store.begin(cache, [], true)
  }
}

function partitioned({ cache, key }: CacheWrite): string {
  return `${partitionOfKey(key, cacheTopic(cache).partitions)}/${cache}`
}

/**
 * What compaction keeps one of. A replayed datum's value is written late and stands for less: under the entry's own key it would be what is left
 * of it. A key that begins with a zero byte itself has another before it.
 */
function compactionKey({ key, topic, partition, offset, replayed }: PlacedWrite): string {
  if (replayed) return `\0replayed/${topic}/${partition}/${offset}/${key}`
  return key.startsWith('\0') ? `\0${key}` : key
}

/** In the order of the log: the store takes of each key what stands for most. */
function valuesOf(frames: Uint8Array): CachedValue[] {
  const values: CachedValue[] = []
  const cursor = new FrameCursor(frames)
  while (cursor.next()) {
    // Only batches() writes these.
    if (!cursor.isVoid) values.push(JSON.parse(cursor.dataText) as CachedValue)
  }
  return values
}

function entryOf({ key, value, updatedMs, revision }: CachedEntry): CacheEntry {
  return { key, value, updatedMs, revision }
}
