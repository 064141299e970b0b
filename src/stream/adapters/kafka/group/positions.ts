import { MillraceError } from '../../../../errors.ts'
import type { Assigned, Checkpoint, Start } from '../../../stream.ts'
import type { Cluster } from '../cluster.ts'
import type { Control, Replaced } from '../control.ts'
import { logOffsets } from '../log-offsets.ts'
import type { Names } from '../names.ts'
import { begun, checkpointText, editionIn, readCommitted } from './checkpoint-text.ts'
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
 * pass over what comes before its first commit. A place that is not new, and of which the brokers have forgotten what was committed (they do
 * so days after the last member has left), begins at the earliest again (I7): what was handled is recognised, and nothing is passed over.
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
  const own = await committedBy(cluster, names, asked.group, asked.topics)
  const inherited = line[0]?.edition ?? firstEdition(own)
  const edition = inherited ?? asked.edition
  const fresh = places.filter(place => find(own, place) === undefined)
  const old = fresh.length === 0 || line[0] === undefined ? [] : await committedBy(cluster, names, line[0].old, asked.topics)
  const forgotten = fresh.filter(place => control.hasBegun(asked.group, place))
  const begins = await beginnings(cluster, fresh, old, forgotten, asked, edition)
  if (begins.size > 0) {
    const offsets = [...begins].map(([place, checkpoint]) => toCommit(place, checkpoint))
    await commitOffsets(cluster, committer, offsets)
    await control.begun(asked.group, fresh)
  }
  const assigned = places.map(place => {
    const { topic, partition } = place
    const committed = find(own, place)
    return {
      topic,
      partition,
      checkpoint: committed === undefined ? begins.get(place)! : checkpointOf(committed, place, asked.group, edition),
    }
  })
  return { edition, line, assigned }
}

/** A checkpoint as it is committed. */
export function toCommit({ kafkaTopic, partition, topicId }: FetchedPlace, checkpoint: Checkpoint): CommittedOffset {
  return { kafkaTopic, partition, offset: checkpoint.offset, metadata: checkpointText(checkpoint, topicId) }
}

async function committedBy(cluster: Cluster, names: Names, group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
  const places = await Promise.all(
    topics.map(async topic => {
      const kafkaTopic = names.topic(topic)
      return { kafkaTopic, partitions: (await cluster.topic(kafkaTopic))?.partitions.length ?? 0 }
    }),
  )
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
  fresh: readonly FetchedPlace[],
  old: readonly CommittedOffset[],
  forgotten: readonly FetchedPlace[],
  { start, group }: Asked,
  edition: number,
): Promise<Map<FetchedPlace, Checkpoint>> {
  const begins = new Map<FetchedPlace, Checkpoint>()
  for (const place of fresh) {
    const taken = forgotten.includes(place) ? undefined : find(old, place)
    if (taken !== undefined) begins.set(place, { ...checkpointOf(taken, place, group, edition), edition })
  }
  const starting = fresh.filter(place => !begins.has(place))
  if (starting.length === 0) return begins
  const again = starting.filter(place => forgotten.includes(place))
  const asks = [
    { places: again, at: 'first' as const },
    {
      places: starting.filter(place => !forgotten.includes(place)),
      at: start === 'earliest' ? ('first' as const) : start === 'latest' ? ('next' as const) : start,
    },
  ]
  for (const { places, at } of asks) {
    const offsets = places.length === 0 ? [] : await logOffsets(cluster, places, at)
    for (const [index, place] of places.entries()) begins.set(place, begun(offsets[index]!, edition))
  }
  return begins
}

function checkpointOf({ offset, metadata }: CommittedOffset, place: FetchedPlace, group: string, edition: number): Checkpoint {
  const { checkpoint, topicId } = readCommitted(offset, metadata, edition)
  if (topicId !== undefined && topicId !== place.topicId) {
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
