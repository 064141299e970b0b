import { replayTopic } from '../../agents/dead-letter.ts'
import { MillraceError } from '../../errors.ts'
import { begun } from '../../stream/checkpoint.ts'
import type { Checkpoint, Group, Start } from '../../stream/stream.ts'
import { agentOf } from '../engine.ts'
import { assign, type Shareable } from './assignment.ts'
import type { GroupRow } from './checkpoints.ts'
import { replayLetters } from './letter-requests.ts'
import type { GrantedLease } from './messages.ts'
import { replayWaiting } from './replay-data.ts'
import type { Tables } from './tables.ts'

/** One member of a group. `C` is whatever the writer knows its client by. */
export interface Member<C> {
  readonly client: C
  readonly member: number
  readonly group: string
  readonly topics: ReadonlySet<string>
  /** Its lease: only units of this generation, for these places, are accepted. */
  generation: number
  places: ReadonlySet<number>
}

/** What one sharing-out means for one client. */
export interface Sharing<C> {
  readonly client: C
  readonly ended: number[]
  readonly leases: GrantedLease[]
}

/** Where a unit stands: its group, and its member's places. */
export interface Standing {
  readonly group: GroupRow
  readonly places: ReadonlySet<number>
}

/** The members of all groups, in memory: a process that dies takes them along, and the next one shares out anew. */
export class Groups<C> {
  readonly #groups = new Map<string, Member<C>[]>()
  readonly #dirty = new Set<string>()
  #generation = 0

  /**
   * Writes where the group begins in places new to it, and takes over from the group it replaces. Within a transaction.
   * @returns the group that it took over from, whose leases end with it.
   * @throws GRAPH_INVALID where another has taken that place over, before anything is written.
   */
  prepare(tables: Tables, group: Group, topics: readonly string[], start: Start, nowMs: number): string | undefined {
    const places = topics.flatMap(topic => tables.catalog.placesOf(topic))
    const existed = tables.checkpoints.group(group.name) !== undefined
    let edition = group.edition
    const old = group.replaces === undefined ? undefined : tables.checkpoints.group(group.replaces)
    const takenOver = !existed && old !== undefined && tables.checkpoints.of(old).size > 0
    if (takenOver) {
      checkNotTakenOver(tables, group, old)
      edition = old.edition
    }
    const row = tables.checkpoints.make(group.name, edition)
    // In the same transaction: no moment exists in which both, or neither, may commit.
    const waiting = takenOver ? takeOver(tables, row, old) : undefined
    for (const { place } of places) {
      if (tables.checkpoints.of(row).has(place)) continue
      tables.checkpoints.set(row, place, begin(tables, place, start, row.edition))
    }
    // After the places: a group that starts at the latest offset must not start behind these.
    if (waiting !== undefined) {
      replayLetters(tables, waiting.letters, group.name, nowMs)
      replayWaiting(tables, group.name, waiting.place, waiting.read)
    }
    return takenOver ? old.name : undefined
  }

  /** Adds a member; it gets its lease at the next {@link share}. After the commit of what {@link prepare} wrote. */
  join(client: C, member: number, group: Group, topics: readonly string[], replaced: string | undefined): void {
    const members = this.#groups.get(group.name) ?? []
    members.push({ client, member, group: group.name, topics: new Set(topics), generation: 0, places: new Set() })
    this.#groups.set(group.name, members)
    this.#dirty.add(group.name)
    if (replaced !== undefined) this.#dirty.add(replaced)
  }

  /** Ends a member's lease at once and gives its places back to the group. */
  leave(client: C, member?: number): void {
    for (const [name, members] of this.#groups) {
      const left = members.filter(m => m.client !== client || (member !== undefined && m.member !== member))
      if (left.length === members.length) continue
      if (left.length === 0) this.#groups.delete(name)
      else this.#groups.set(name, left)
      this.#dirty.add(name)
    }
  }

  /** Where a unit of a lease stands; undefined when the lease has ended. */
  standing(tables: Tables, client: C, member: number, generation: number): Standing | undefined {
    for (const members of this.#groups.values()) {
      const found = members.find(m => m.client === client && m.member === member)
      if (found === undefined) continue
      if (found.generation !== generation || generation === 0) return undefined
      const group = tables.checkpoints.group(found.group)
      // A group that was replaced within this very transaction still has its members here.
      return group === undefined || group.replacedBy !== undefined ? undefined : { group, places: found.places }
    }
    return undefined
  }

  /** The group is to be shared out anew: one of its leases is of no use any more. */
  renew(group: string): void {
    this.#dirty.add(group)
  }

  /** Every group is to be shared out anew: after positions have been read again. */
  endAll(): void {
    for (const name of this.#groups.keys()) this.#dirty.add(name)
  }

  /** Shares out the groups whose members have changed. The leases there were end with it. */
  share(tables: Tables): Sharing<C>[] {
    const byClient = new Map<C, Sharing<C>>()
    for (const name of this.#dirty) {
      const members = this.#groups.get(name)
      const row = tables.checkpoints.group(name)
      if (members === undefined || row === undefined) continue
      const replaced = row.replacedBy !== undefined
      const shares = replaced ? new Map<number, number[]>() : this.#assign(tables, members)
      for (const [index, member] of members.entries()) {
        const sharing = byClient.get(member.client) ?? { client: member.client, ended: [], leases: [] }
        byClient.set(member.client, sharing)
        if (member.generation !== 0) sharing.ended.push(member.member)
        const places = shares.get(index) ?? []
        member.places = new Set(places)
        member.generation = replaced ? 0 : ++this.#generation
        if (replaced) continue
        const checkpoints = tables.checkpoints.of(row)
        sharing.leases.push({
          member: member.member,
          generation: member.generation,
          edition: row.edition,
          // `prepare` gave every place of the member's topics a checkpoint.
          assigned: places.map(place => ({ place, checkpoint: checkpoints.get(place) as Checkpoint })),
        })
      }
    }
    this.#dirty.clear()
    return [...byClient.values()]
  }

  #assign(tables: Tables, members: readonly Member<C>[]): Map<number, number[]> {
    const topics = new Set(members.flatMap(m => [...m.topics]))
    const partitions: Shareable[] = []
    for (const topic of topics) {
      const places = tables.catalog.placesOf(topic)
      for (const { place, partition } of places) partitions.push({ place, topic, partition, partitions: places.length })
    }
    return assign(
      partitions,
      members.map((m, index) => ({ member: index, topics: m.topics })),
    )
  }
}

/** Two that go on from one place would do the same data twice, with the same ids. */
function checkNotTakenOver(tables: Tables, group: Group, old: GroupRow): void {
  if (old.replacedBy === undefined) return
  const holder = tables.checkpoints.holderOf(old.name)
  throw new MillraceError('GRAPH_INVALID', `${group.name} replaces ${old.name}, whose place ${holder} has taken over.`, {
    fix: `Declare replaces: ${agentOf(holder).version}.`,
  })
}

/**
 * Gives a group the places of another, which ends. The old one's replay topic is not among them, for nobody will read it any more.
 * @returns what was waiting there, to be replayed to the new group; undefined where there is no such topic.
 */
function takeOver(tables: Tables, row: GroupRow, old: GroupRow): Waiting | undefined {
  const replayPlace = tables.catalog.findTopic(replayTopic(agentOf(old.name)))?.[0]?.place
  for (const [place, checkpoint] of tables.checkpoints.of(old)) {
    if (place !== replayPlace) tables.checkpoints.set(row, place, checkpoint)
  }
  tables.checkpoints.end(old, row.name)
  if (replayPlace === undefined) return undefined
  return {
    letters: tables.letters.returned(replayPlace, Number.MAX_SAFE_INTEGER),
    place: replayPlace,
    read: tables.checkpoints.of(old).get(replayPlace)?.offset ?? 0,
  }
}

interface Waiting {
  /** Dead again. */
  readonly letters: readonly number[]
  /** The replay topic's, and how far it was read: what lies behind is data, but for those letters. */
  readonly place: number
  readonly read: number
}

function begin(tables: Tables, place: number, start: Start, edition: number): Checkpoint {
  const bounds = tables.reader.bounds(place)
  const next = tables.log.next(place)
  const offset = start === 'earliest' ? bounds.first : start === 'latest' ? next : tables.reader.offsetAt(place, start.timeMs)
  return begun(offset, edition)
}
