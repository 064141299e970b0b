import { statSync } from 'node:fs'
import { MillraceError } from '../../errors.ts'
import type { EngineView } from '../engine.ts'
import { databaseFile } from './options.ts'
import { Reader } from './reader.ts'
import { openForReading } from './schema.ts'

/**
 * Reads a data directory, whether a process runs on it or not.
 * @throws DATA_DIRECTORY_MISSING, DATA_DIRECTORY_VERSION
 */
export function viewEmbedded(directory: string): EngineView {
  return readerView(directory).view
}

/** The same, with what it reads by. */
export function readerView(directory: string): { readonly view: EngineView; readonly reader: Reader } {
  const file = databaseFile(directory)
  // Not existsSync: a directory that this user may not enter is there all the same.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    throw new MillraceError('DATA_DIRECTORY_MISSING', `There is no data directory at ${directory}.`, {
      fix: 'Start a pipeline there first, or name another with --data.',
    })
  }
  const db = openForReading(file)
  const reader = new Reader(db)
  const { catalog, log, letters, cache, standings, finder } = reader
  const view: EngineView = {
    read: async (topic, partition, from, maxBytes) => log.read(catalog.at(catalog.place(topic, partition)), from, maxBytes),
    topics: async () => catalog.specs(),
    bounds: async topic => catalog.placesOf(topic).map(({ place }) => log.bounds(place)),
    find: async (dataId, at) => finder.find(dataId, at),
    letters: {
      list: async filter => letters.list(filter),
      counts: async () => letters.counts(),
      frame: async letter => letters.frame(letter),
      original: async letter => letters.original(letter),
    },
    cache: async name => cache.view(name),
    cacheEntry: async (name, key) => cache.entry(name, key),
    standings: async () => standings.all(),
    sizeOf: async topic => log.sizeOf(catalog.placesOf(topic)),
    close: async () => db.close(),
  }
  return { view, reader }
}
