import type { CachedEntry, CachedValue, CacheStore } from '../../trace.ts'

interface Held extends CachedValue {
  readonly revision: number
}

interface Cache {
  begun: boolean
  revision: number
  readonly entries: Map<string, Held>
}

export class MemoryCaches implements CacheStore {
  readonly #caches = new Map<string, Cache>()
  readonly #check: () => void

  /** @param check throws when the trace is closed. */
  constructor(check: () => void) {
    this.#check = check
  }

  async write(name: string, writes: readonly CachedValue[]): Promise<boolean> {
    this.#check()
    const cache = this.#caches.get(name)
    if (cache?.begun !== true) return false
    put(cache, writes)
    return true
  }

  async begin(name: string, writes: readonly CachedValue[], complete: boolean): Promise<void> {
    this.#check()
    const cache = this.#caches.get(name) ?? { begun: false, revision: 0, entries: new Map() }
    this.#caches.set(name, cache)
    put(cache, writes)
    if (complete) cache.begun = true
  }

  async view(name: string): Promise<{ revision: number; entries: CachedEntry[] } | undefined> {
    this.#check()
    const cache = this.#caches.get(name)
    if (cache?.begun !== true) return undefined
    return { revision: cache.revision, entries: [...cache.entries.values()].map(entryOf) }
  }

  async entry(name: string, key: string): Promise<CachedEntry | null | undefined> {
    this.#check()
    const cache = this.#caches.get(name)
    if (cache?.begun !== true) return undefined
    const held = cache.entries.get(key)
    return held === undefined ? null : entryOf(held)
  }
}

function put(cache: Cache, writes: readonly CachedValue[]): void {
  for (const write of writes) {
    const held = cache.entries.get(write.key)
    const newer = held === undefined || held.topic !== write.topic || held.partition !== write.partition || held.offset < write.offset
    if (newer) cache.entries.set(write.key, { ...write, revision: ++cache.revision })
  }
}

function entryOf({ key, value, updatedMs, revision }: Held): CachedEntry {
  return { key, value, updatedMs, revision }
}
