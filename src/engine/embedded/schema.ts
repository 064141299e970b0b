import { randomInt } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'

/** Raised with every change of the tables: one more than there are {@link UPGRADES}. It is kept in the file as `user_version`. */
export const SCHEMA_VERSION = 2
/** Measured: 16 KB pages make checkpoints and large blobs 20 % cheaper than 4 KB, and cost small commits nothing. */
export const PAGE_BYTES = 16_384
const READER_CACHE_KB = 4_096
const WRITER_CACHE_KB = 16_384
/** A reader in another thread or process holds the file only for moments; this outlasts them. */
const BUSY_MS = 5_000

/*
 * A *place* is one partition of one topic: a small number wherever a row would say (topic, partition). Times are milliseconds
 * since 1970 UTC, ranges are [first, end).
 */
const TABLES = `
-- The declared topics. retention_bytes: null = no limit.
CREATE TABLE topics (topic INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  retention_ms INTEGER NOT NULL, retention_bytes INTEGER) STRICT;

-- floor: everything below it was deleted by retention. A partition without rows continues at its floor.
CREATE TABLE places (place INTEGER PRIMARY KEY, topic INTEGER NOT NULL, partition INTEGER NOT NULL,
  floor INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)) STRICT;

-- The log: one row a record batch, in the order of their commits. bytes_end: bytes of frames in the place up to and with this row,
-- so that the size of a partition is the difference of two rows. crc: CRC-32 of place, first, count, then the frames.
CREATE TABLE batches (seq INTEGER PRIMARY KEY, place INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
  appended_ms INTEGER NOT NULL, ascii INTEGER NOT NULL, bytes_end INTEGER NOT NULL, crc INTEGER NOT NULL, frames BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX batches_by_place ON batches (place, first);
CREATE INDEX batches_by_time ON batches (appended_ms);

-- Ids that producers supplied, for as long as copies of them are refused: one table ids_<bucket> for each span of time, dropped whole.
-- Each is (id BLOB PRIMARY KEY, source INTEGER, place INTEGER, offset INTEGER) WITHOUT ROWID.
CREATE TABLE id_buckets (bucket INTEGER PRIMARY KEY) STRICT;
CREATE TABLE sources (source INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE) STRICT;

-- Consumer groups and where they stand. replaced_by: the group that took over its place; it gets no lease any more.
CREATE TABLE groups (group_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, edition INTEGER NOT NULL, replaced_by TEXT) STRICT;
CREATE TABLE checkpoints (group_id INTEGER NOT NULL, place INTEGER NOT NULL, first INTEGER NOT NULL, offset INTEGER NOT NULL,
  done INTEGER NOT NULL, dead INTEGER NOT NULL, duplicate INTEGER NOT NULL, lost INTEGER NOT NULL, edition INTEGER NOT NULL,
  intent_first INTEGER, intent_end INTEGER, PRIMARY KEY (group_id, place)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots (group_id INTEGER NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL, bytes BLOB NOT NULL,
  PRIMARY KEY (group_id, place)) STRICT;

-- The trace, by range: what is done, when, and where the unit's outputs are ('place:first:end' joined by commas).
CREATE TABLE agents (agent INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, UNIQUE (name, version)) STRICT;
CREATE TABLE trace_done (agent INTEGER NOT NULL, place INTEGER NOT NULL, first INTEGER NOT NULL, end INTEGER NOT NULL,
  claimed_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL, outputs TEXT NOT NULL,
  PRIMARY KEY (agent, place, first)) STRICT, WITHOUT ROWID;
-- The exceptions: dead (reason is not null), or more than one attempt.
CREATE TABLE trace_exceptions (agent INTEGER NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL, attempts INTEGER NOT NULL,
  claimed_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL, reason TEXT,
  PRIMARY KEY (agent, place, offset)) STRICT, WITHOUT ROWID;
-- Work in hand for longer than a moment.
CREATE TABLE trace_claims (agent INTEGER NOT NULL, place INTEGER NOT NULL, first INTEGER NOT NULL, end INTEGER NOT NULL,
  claimed_ms INTEGER NOT NULL, PRIMARY KEY (agent, place, first)) STRICT, WITHOUT ROWID;

-- Dead letters with their data, and what people did about them.
CREATE TABLE letters (letter INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL,
  data_id BLOB NOT NULL, code TEXT, name TEXT NOT NULL, message TEXT NOT NULL, stack TEXT, attempts INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  state TEXT NOT NULL, replays INTEGER NOT NULL DEFAULT 0, replayed_ms INTEGER, frame BLOB NOT NULL, UNIQUE (agent, place, offset)) STRICT;
CREATE INDEX letters_by_id ON letters (data_id);
CREATE TABLE letter_replays (place INTEGER NOT NULL, offset INTEGER NOT NULL, letter INTEGER NOT NULL,
  PRIMARY KEY (place, offset)) STRICT, WITHOUT ROWID;
CREATE TABLE letter_actions (letter INTEGER NOT NULL, at_ms INTEGER NOT NULL, action TEXT NOT NULL, by TEXT NOT NULL) STRICT;

-- Latest values. place, offset: what the value stands for; it is written only over a lower offset of its place.
CREATE TABLE caches (cache INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL) STRICT;
CREATE TABLE cache_entries (cache INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (cache, key)) STRICT, WITHOUT ROWID;
`

/** What each layout has beyond the one before it, from the second on. A file that an earlier Millrace wrote is brought up to date when it is opened. */
const UPGRADES: readonly string[] = [
  `
-- Data of letters as people changed them; edit: counted from 1.
CREATE TABLE letter_edits (letter INTEGER NOT NULL, edit INTEGER NOT NULL, at_ms INTEGER NOT NULL, by TEXT NOT NULL, frame BLOB NOT NULL,
  PRIMARY KEY (letter, edit)) STRICT;
-- Letters are counted without their data being read.
CREATE INDEX letters_by_state ON letters (agent, state);

-- Data that are no letters and were put into a replay topic: [first, end) of its place are those from origin_first on of the place they come from.
CREATE TABLE replay_origins (place INTEGER NOT NULL, first INTEGER NOT NULL, end INTEGER NOT NULL, origin INTEGER NOT NULL,
  origin_first INTEGER NOT NULL, PRIMARY KEY (place, first)) STRICT, WITHOUT ROWID;
CREATE INDEX replay_origins_by_origin ON replay_origins (origin, origin_first);
`,
]

export interface WriterOptions {
  /** Bytes that the file may grow to; beyond them appends are DISK_FULL until there is room. */
  readonly maxBytes?: number
}

/** The writer's connection: makes the tables where there are none. `:memory:` is a database of this connection alone. */
export function openForWriting(path: string, options: WriterOptions): DatabaseSync {
  return usable(path, () => prepareForWriting(path, options))
}

function prepareForWriting(path: string, options: WriterOptions): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`)
  // wal_autocheckpoint = 0: an error in an automatic checkpoint is silent, so checkpoints are made explicitly and looked at.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
  db.exec(`PRAGMA cache_size = -${WRITER_CACHE_KB}; PRAGMA temp_store = MEMORY`)
  const version = versionOf(db)
  if (version < SCHEMA_VERSION) {
    const tables = version === 0 ? `${TABLES}; PRAGMA application_id = ${randomInt(1, 2 ** 31)};` : ''
    const missing = UPGRADES.slice(Math.max(0, version - 1)).join('')
    db.exec(`BEGIN IMMEDIATE; ${tables} ${missing} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
  }
  checkVersion(db, path)
  if (options.maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.maxBytes / PAGE_BYTES))}`)
  return db
}

/** A reader of a file that the writer has made; in any thread or process. */
export function openForReading(path: string): DatabaseSync {
  return usable(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS })
    db.exec(`PRAGMA cache_size = -${READER_CACHE_KB}`)
    checkVersion(db, path)
    return db
  })
}

/** SQLite's primary result codes that speak of the file, not of Millrace: PERM, READONLY, CANTOPEN, NOTADB. */
const UNUSABLE = new Set([3, 8, 14, 26])

function usable(path: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open()
  } catch (cause) {
    if (!(cause instanceof Error) || !('errcode' in cause) || !UNUSABLE.has(Number(cause.errcode) & 0xff)) throw cause
    throw new MillraceError('CONFIG_INVALID', `${path} cannot be used: ${cause.message}.`, {
      fix: 'Make it and its folder readable and writable for this user, or name another data directory with --data.',
      cause,
    })
  }
}

/** What tells this log from one that was made anew in its place: `application_id`, drawn when the tables were made. */
export function logIdOf(db: DatabaseSync): string {
  return String(db.prepare('PRAGMA application_id').get()?.application_id)
}

function checkVersion(db: DatabaseSync, path: string): void {
  const version = versionOf(db)
  if (version === SCHEMA_VERSION) return
  db.close()
  throw new MillraceError('DATA_DIRECTORY_VERSION', `${path} has layout ${version}; this Millrace reads layout ${SCHEMA_VERSION}.`, {
    fix:
      version > SCHEMA_VERSION
        ? 'Use the newer Millrace that wrote it.'
        : 'Start its pipeline once with this Millrace, which brings it up to date, or look at it with the Millrace that wrote it.',
  })
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}
