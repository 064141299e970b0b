import { MillraceError } from '../../../../errors.ts'
import { begun, begunByHand } from '../../../checkpoint.ts'
import type { Assigned, Checkpoint, Start } from '../../../stream.ts'
import type { Cluster } from '../cluster.ts'
import type { Control, Replaced } from '../control.ts'
import { logOffsets } from '../log-offsets.ts'
import type { Names } from '../names.ts'
import { checkpointText, editionIn, readCommitted } from './checkpoint-text.ts'
import { type CommittedOffset, type Committer, commitOffsets, committedOffsets } from './committed-offsets.ts'
import type { FetchedPlace } from './fetcher.ts'

export interface Asked {
  readonly group: string
  /** What the group asks for where nothing says otherwise. */
  readonly edition: number
  /** Every topic that the group reads, whatever this member's share. */
  readonly topics: readonly string[]
  readonly start: Start
}

export interface Positions {
  readonly edition: number
  readonly line: readonly Replaced[]
  readonly assigned: readonly Assigned[]
}

/**
 * Where a group stands in the places of a new generation, read after it began: what any generation before it committed is in. Places new to
 * the group get their beginning committed at once, that of the group it took over or `start`: one that begins at the latest would otherwise
 * pass over what comes before its first commit. What belongs to the group already begins at the earliest (I7), so that nothing is passed
 * over: a place of which the brokers have forgotten what was committed, as they do days after the last member has left, and a partition that
 * was added to a topic since the group, or one whose place it has, began in it.
 * @throws TOPIC_MISMATCH where a topic was made anew since; LEASE_LOST where the generation is over.
 */
export async function readPositions(
  cluster: Cluster,
  names: Names,
  control: Control,
  asked: Asked,
  committer: Committer,
  places: readonly FetchedPlace[],
): Promise<Positions> {
  const line = control.line(asked.group)
  const partitions = await partitionsOf(cluster, names, asked.topics)
  const own = await committedBy(cluster, names, asked.group, partitions)
  const edition = line[0]?.edition ?? firstEdition(own) ?? asked.edition
  const fresh = places.filter(place => find(own, place) === undefined)
  const old = fresh.length === 0 || line[0] === undefined ? [] : await committedBy(cluster, names, line[0].old, partitions)
  const begins = await beginnings(cluster, control, fresh, old, line, asked, edition)
  if (begins.size > 0) {
    const offsets = [...begins].map(([place, checkpoint]) => toCommit(place, checkpoint))
    await commitOffsets(cluster, committer, offsets)
  }
  // All of them: whoever committed one may have died before it was noted.
  await control.addBegun(asked.group, edition, places, partitions)
  const assigned = places.map(async place => {
    const { topic, partition } = place
    const committed = find(own, place)
    const checkpoint = committed === undefined ? begins.get(place)! : await checkpointOf(cluster, committed, place, asked.group, edition)
    return { topic, partition, checkpoint }
  })
  return { edition, line, assigned: await Promise.all(assigned) }
}

/** A checkpoint as it is committed. */
export function toCommit({ kafkaTopic, partition, topicId }: FetchedPlace, checkpoint: Checkpoint): CommittedOffset {
  return { kafkaTopic, partition, offset: checkpoint.offset, metadata: checkpointText(checkpoint, topicId) }
}

/** How many partitions each topic has, by our names. */
async function partitionsOf(cluster: Cluster, names: Names, topics: readonly string[]): Promise<Map<string, number>> {
  const counts = topics.map(async topic => [topic, (await cluster.topic(names.topic(topic)))?.partitions.length ?? 0] as const)
  return new Map(await Promise.all(counts))
}

function committedBy(cluster: Cluster, names: Names, group: string, partitions: ReadonlyMap<string, number>): Promise<CommittedOffset[]> {
  const places = [...partitions].map(([topic, count]) => ({ kafkaTopic: names.topic(topic), partitions: count }))
  return committedOffsets(cluster, names.group(group), places)
}

function firstEdition(offsets: readonly CommittedOffset[]): number | undefined {
  for (const { metadata } of offsets) {
    const edition = editionIn(metadata)
    if (edition !== undefined) return edition
  }
  return undefined
}

async function beginnings(
  cluster: Cluster,
  { begun: noted }: Control,
  fresh: readonly FetchedPlace[],
  old: readonly CommittedOffset[],
  line: readonly Replaced[],
  { start, group }: Asked,
  edition: number,
): Promise<Map<FetchedPlace, Checkpoint>> {
  const begins = new Map<FetchedPlace, Checkpoint>()
  const groups = [group, ...line.map(replaced => replaced.old)]
  const [again, anew]: [FetchedPlace[], FetchedPlace[]] = [[], []]
  for (const place of fresh) {
    const taken = noted.has(group, place) ? undefined : find(old, place)
    if (taken !== undefined) begins.set(place, { ...(await checkpointOf(cluster, taken, place, group, edition)), edition })
    else if (groups.some(one => noted.has(one, place) || noted.isLater(one, place))) again.push(place)
    else anew.push(place)
  }
  const asks = [
    { places: again, at: 'first' as const },
    { places: anew, at: start === 'earliest' ? ('first' as const) : start === 'latest' ? ('next' as const) : start },
  ]
  for (const { places, at } of asks) {
    const offsets = places.length === 0 ? [] : await logOffsets(cluster, places, at)
    for (const [index, place] of places.entries()) begins.set(place, begun(offsets[index]!, edition))
  }
  return begins
}

async function checkpointOf(
  cluster: Cluster,
  { offset, metadata }: CommittedOffset,
  place: FetchedPlace,
  group: string,
  edition: number,
): Promise<Checkpoint> {
  const { checkpoint, topicId } = readCommitted(offset, metadata, edition)
  if (topicId === undefined) {
    const [first] = await logOffsets(cluster, [place], 'first')
    return begunByHand(offset, edition, first!)
  }
  if (topicId !== place.topicId) {
    throw new MillraceError(
      'TOPIC_MISMATCH',
      `The group ${group} stands at offset ${offset} of a topic ${place.topic} that was deleted since: ${place.kafkaTopic} has been made anew, and the offset means nothing in it.`,
      {
        fix: `Let the group begin in the new topic: kafka-consumer-groups --reset-offsets --to-earliest --topic ${place.kafkaTopic} --execute.`,
      },
    )
  }
  return checkpoint
}

function find(offsets: readonly CommittedOffset[], { kafkaTopic, partition }: FetchedPlace): CommittedOffset | undefined {
  return offsets.find(one => one.kafkaTopic === kafkaTopic && one.partition === partition)
}
