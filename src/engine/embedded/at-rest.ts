import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { TopicPartition } from '../../stream/stream.ts'
import type { AgentVersion, ClaimStates, Mark } from '../../trace/trace.ts'
import type { CacheWrite, EngineView, Snapshot } from '../engine.ts'
import { lockDirectory } from './lock.ts'
import { databaseFile } from './options.ts'
import { numberAt, Query, textAt } from './rows.ts'
import { logIdOf } from './schema.ts'
import { readerView, viewEmbedded } from './view.ts'

/** A data directory that no process runs on, held so that none begins, and only read: what is moved elsewhere is read from it. */
export interface AtRest extends EngineView {
  readonly logId: string
  /** Names what the directory holds: the same as long as nothing was stored, handled or deleted in it. */
  fingerprint(): string
  /** The last snapshot of a group's fold. */
  snapshot(group: string, place: TopicPartition): Snapshot | undefined
  /** What the agent, or one whose place it has, has finished of [from, end), whatever its offset. */
  states(agent: AgentVersion, place: TopicPartition, from: number, end: number): ClaimStates
  /** Every agent's mark on one position. */
  marks(place: TopicPartition, offset: number): Mark[]
  /** Every entry of every cache, with the position that it stands for, a cache after the other. */
  cacheEntries(): Iterable<CacheWrite & { readonly updatedMs: number }>
}

/**
 * Holds a data directory for reading.
 * @throws DATA_DIRECTORY_MISSING, DATA_DIRECTORY_VERSION, DATA_DIRECTORY_LOCKED
 */
export async function openAtRest(directory: string): Promise<AtRest> {
  // Locking makes files: not where there is no data directory at all.
  if (statSync(databaseFile(directory), { throwIfNoEntry: false }) === undefined) await viewEmbedded(directory).close()
  const unlock = lockDirectory(directory)
  try {
    const { view, reader } = readerView(directory)
    const { catalog, trace, standings, db } = reader
    const entries = new Query(
      db,
      `SELECT c.name, e.key, e.value, e.updated_ms, e.place, e.offset FROM cache_entries e JOIN caches c ON c.cache = e.cache
       ORDER BY e.cache, e.key`,
    )
    const letters = new Query(db, 'SELECT state, count(*), max(letter), sum(replays) FROM letters GROUP BY state ORDER BY state')
    const caches = new Query(db, 'SELECT name, revision FROM caches ORDER BY name')
    const placeOf = ({ topic, partition }: TopicPartition) => catalog.place(topic, partition)
    return {
      ...view,
      logId: logIdOf(db),
      fingerprint() {
        const content = [
          standings.all(),
          catalog.specs().map(({ name }) => [name, catalog.placesOf(name).map(({ place }) => reader.log.bounds(place))]),
          letters.all(),
          caches.all(),
        ]
        return createHash('sha256').update(JSON.stringify(content)).digest('hex')
      },
      snapshot: (group, { topic, partition }) => standings.snapshot(group, topic, partition),
      states: (agent, place, from, end) => trace.states(agent, placeOf(place), from, end),
      marks: (place, offset) => trace.marks(placeOf(place), offset),
      *cacheEntries() {
        for (const row of entries.each()) {
          const { topic, partition } = catalog.at(numberAt(row, 4))
          const [cache, key, value] = [textAt(row, 0), textAt(row, 1), textAt(row, 2)]
          yield { cache, key, value, topic, partition, offset: numberAt(row, 5), updatedMs: numberAt(row, 3) }
        }
      },
      async close() {
        await view.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}
