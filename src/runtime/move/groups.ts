import { rememberingIds } from '../../agents/fold.ts'
import { REMEMBERED } from '../../agents/seen-ids.ts'
import { SNAPSHOTS } from '../../engine/distributed/internal-topics.ts'
import { Snapshots } from '../../engine/distributed/snapshots.ts'
import type { Standing } from '../../engine/engine.ts'
import { inLanes } from '../../storage/formats/lanes.ts'
import type { Lease, Moved } from '../../stream/stream.ts'
import type { MovedPlace } from './copy-log.ts'
import { idsOf } from './ids-of.ts'
import type { Lines } from './lines.ts'
import { alone } from './membership.ts'
import type { Moving } from './moving.ts'
import { shifted } from './shifted.ts'

/** Groups at once: a broker takes seconds for each to join. */
const LANES = 8

/** A group as it is moved: where it stands in each of its places. */
export interface MovedGroup {
  readonly name: string
  readonly edition: number
  readonly standings: readonly Standing[]
}

export function groupsOf(standings: readonly Standing[]): MovedGroup[] {
  return [...Map.groupBy(standings, ({ group }) => group)].map(([name, own]) => ({
    name,
    edition: own[0]?.checkpoint.edition ?? 0,
    standings: own,
  }))
}

/**
 * Sees that nobody is in the groups: agents that run on the target already would take the data of the move for new ones. Only of those that
 * took over from none, which is most: to join another before its line is there would lose the line.
 * @throws MOVE_REFUSED
 */
export async function checkNobody(moving: Moving, groups: readonly MovedGroup[], lines: Lines): Promise<void> {
  const begun = groups.filter(group => lines.before(group.name) === undefined && group.standings[0]?.replacedBy === undefined)
  await inLanes(begun, LANES, ({ name, edition, standings }) =>
    alone(moving, { name, edition }, topicsOf(standings), async () => undefined),
  )
}

/** Puts every group where it stands, with its folds' snapshots; those that were replaced first, so that each takes over from the one before it. */
export async function moveGroups(
  moving: Moving,
  groups: readonly MovedGroup[],
  places: readonly MovedPlace[],
  lines: Lines,
): Promise<void> {
  const { stream, signal } = moving
  await stream.ensure([SNAPSHOTS])
  const ended = new Set((await stream.places()).flatMap(({ group, replacedBy }) => (replacedBy === undefined ? [] : [group])))
  for (const [, level] of [...Map.groupBy(groups, group => lines.depth(group.name))].sort(([a], [b]) => a - b)) {
    await inLanes(level, LANES, async group => {
      signal.throwIfAborted()
      const { name, edition, standings } = group
      // It was moved, and taken over, before this move was cut off: it gets no lease any more.
      if (ended.has(name)) return
      const replaces = lines.before(name)
      const joined = { name, edition, ...(replaces === undefined ? {} : { replaces }) }
      await alone(moving, joined, topicsOf(standings), lease => settle(moving, group, places, lease))
    })
  }
}

async function settle(moving: Moving, group: MovedGroup, places: readonly MovedPlace[], lease: Lease): Promise<void> {
  const moves: Moved[] = []
  for (const { topic, partition, checkpoint: stands } of lease.partitions) {
    const standing = group.standings.find(one => one.topic === topic && one.partition === partition)
    const place = places.find(one => one.topic === topic && one.partition === partition)
    if (standing === undefined || place === undefined) continue
    const { checkpoint, expired } = shifted(standing.checkpoint, place.base)
    if (expired > 0 && standing.replacedBy === undefined) {
      moving.warn(
        `${expired} data of ${topic}, partition ${partition}, had expired before ${group.name} came to them: they are lost to it.`,
      )
    }
    const snapshot = await moveSnapshot(moving, standing, place)
    moves.push({ topic, partition, from: stands.offset, checkpoint: { ...checkpoint, ...(snapshot === undefined ? {} : { snapshot }) } })
  }
  await lease.commit(moves)
}

/** @returns where it lies. */
async function moveSnapshot({ source, stream, clock }: Moving, standing: Standing, place: MovedPlace): Promise<number | undefined> {
  const found = source.snapshot(standing.group, place)
  if (found === undefined) return undefined
  // A log that may hold copies knows them by the ids folded last; the embedded one holds none, and keeps no such ids.
  const ids = await idsOf(source, place, Math.max(place.base, found.offset - REMEMBERED), Math.max(place.base, found.offset))
  const offset = Math.max(0, found.offset - place.base)
  const snapshot = { ...found, offset, bytes: rememberingIds(found.bytes, ids) }
  return new Snapshots(stream).append(snapshot, clock.now())
}

function topicsOf(standings: readonly Standing[]): string[] {
  return [...new Set(standings.map(({ topic }) => topic))]
}
