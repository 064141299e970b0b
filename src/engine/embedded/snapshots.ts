import type { PackedSnapshot } from './messages.ts'
import type { Tables } from './tables.ts'

/** Keeps the last snapshot of a fold. It is written within its lease's commit, so an older one never replaces it. */
export function saveSnapshot(tables: Tables, snapshot: PackedSnapshot, bytes: Uint8Array): void {
  const group = tables.checkpoints.group(snapshot.group)
  if (group === undefined) return
  tables.saveSnapshot.run(group.id, snapshot.place, snapshot.offset, bytes)
}
