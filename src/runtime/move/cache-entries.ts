import { Caches } from '../../engine/distributed/caches.ts'
import type { CacheWrite } from '../../engine/engine.ts'
import type { MovedPlace } from './copy-log.ts'
import type { Moving } from './moving.ts'

const AT_ONCE = 1_000

/** Writes the caches' entries with the positions that they stand for. Written again they change nothing. @returns how many. */
export async function moveCaches({ source, stream, trace, clock, signal }: Moving, places: readonly MovedPlace[]): Promise<number> {
  const caches = new Caches(stream, trace.cache)
  const bases = new Map(places.map(({ topic, partition, base }) => [`${topic}/${partition}`, base]))
  let gathered: (CacheWrite & { readonly updatedMs: number })[] = []
  let count = 0
  const write = async () => {
    signal.throwIfAborted()
    const nowMs = clock.now()
    await caches.prepare(gathered)
    await stream.append(caches.batches(gathered, nowMs))
    await caches.show(gathered, nowMs)
    count += gathered.length
    gathered = []
  }
  for (const entry of source.cacheEntries()) {
    const base = bases.get(`${entry.topic}/${entry.partition}`) ?? 0
    // What stands for a datum that has expired lies before the new log, and gives way to whatever comes.
    gathered.push({ ...entry, offset: Math.max(0, entry.offset - base) })
    if (gathered.length === AT_ONCE) await write()
  }
  if (gathered.length > 0) await write()
  return count
}
