import { isReplayTopic } from '../../agents/dead-letter.ts'
import { MillraceError } from '../../errors.ts'
import type { AppendRequests } from './append-requests.ts'
import type { Standing } from './groups.ts'
import type { PackedCacheWrite, PackedMove, PackedUnit } from './messages.ts'
import { markOrigins } from './replay-data.ts'
import { saveSnapshot } from './snapshots.ts'
import type { Tables } from './tables.ts'

/**
 * Commits one unit of work within the group's transaction. The lease fences it, and every checkpoint must stand where the unit
 * thinks it does (compare-and-set), so nothing is committed twice (I2, I3). @throws LEASE_LOST, FRAME_CORRUPT before anything is written.
 */
export function applyUnit(tables: Tables, standing: Standing | undefined, unit: PackedUnit, appends: AppendRequests, nowMs: number): void {
  if (standing === undefined) throw lost('The assignment has ended: the group was shared out anew.')
  const { group, places } = standing
  const checkpoints = tables.checkpoints.of(group)
  for (const move of unit.moves) {
    const committed = checkpoints.get(move.place)?.offset
    if (!places.has(move.place) || committed !== move.from) {
      throw lost(`The checkpoint of ${group.name} stands at ${committed}; the commit was computed from ${move.from}.`)
    }
  }
  const supplied = appends.inspectAll(unit.outputs)

  const outputs = appends.appendOutputs(unit.outputs, supplied)
  if (unit.agent !== undefined) {
    const agent = tables.trace.agent(unit.agent)
    for (const letter of unit.letters)
      tables.letters.add(agent, letter, appends.bytes(letter.frame), tables.origins.of(letter.place, letter.offset))
    for (const marks of unit.marks) {
      tables.trace.mark(agent, marks, outputs)
      markOrigins(tables, agent, marks, outputs)
      for (const range of marks.done) tables.letters.done(marks.place, range)
    }
    for (const move of unit.moves) tables.trace.finished(unit.agent, move.place, move.checkpoint.offset)
  }
  for (const write of unit.cache) tables.cache.write(placed(tables, write), nowMs)
  for (const snapshot of unit.snapshots) saveSnapshot(tables, snapshot, appends.bytes(snapshot.bytes))
  for (const move of unit.moves) {
    returnLetters(tables, move, checkpoints.get(move.place)?.lost ?? 0)
    tables.checkpoints.set(group, move.place, { ...move.checkpoint, edition: group.edition })
  }
}

/** A datum that is replayed stands where it first stood: its value must not replace those of data that came after it. */
function placed(tables: Tables, write: PackedCacheWrite): PackedCacheWrite {
  if (!isReplayTopic(tables.catalog.at(write.place).topic)) return write
  const offset = write.offset - 1
  const origin = tables.letters.origin(write.place, offset) ?? tables.origins.of(write.place, offset)
  return origin === undefined ? write : { ...write, place: origin.place, offset: origin.offset + 1 }
}

/** What expired in a replay topic was not handled: its letters wait for a person again, as they did before (I6). */
function returnLetters(tables: Tables, move: PackedMove, lostBefore: number): void {
  if (move.checkpoint.lost > lostBefore && isReplayTopic(tables.catalog.at(move.place).topic))
    tables.letters.returned(move.place, move.checkpoint.offset)
}

function lost(what: string): MillraceError {
  return new MillraceError('LEASE_LOST', what, { fix: 'Discard the unit and take the next lease.' })
}
