import { MillraceError } from '../../errors.ts'
import type { AppendRequests } from './append-requests.ts'
import type { Standing } from './groups.ts'
import type { PackedUnit } from './messages.ts'
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
    for (const letter of unit.letters) tables.letters.add(agent, letter, appends.bytes(letter.frame))
    for (const marks of unit.marks) {
      tables.trace.mark(agent, marks, outputs)
      for (const range of marks.done) tables.letters.done(marks.place, range)
    }
    for (const move of unit.moves) tables.trace.finished(unit.agent, move.place, move.checkpoint.offset)
  }
  for (const write of unit.cache) tables.cache.write(write, nowMs)
  for (const snapshot of unit.snapshots) saveSnapshot(tables, snapshot, appends.bytes(snapshot.bytes))
  for (const move of unit.moves) tables.checkpoints.set(group, move.place, { ...move.checkpoint, edition: group.edition })
}

function lost(what: string): MillraceError {
  return new MillraceError('LEASE_LOST', what, { fix: 'Discard the unit and take the next lease.' })
}
