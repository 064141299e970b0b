import { LETTERS } from '../../engine/distributed/internal-topics.ts'
import type { Standing } from '../../engine/engine.ts'
import { MillraceError } from '../../errors.ts'
import type { TopicSpec } from '../../stream/stream.ts'
import { moveCaches } from './cache-entries.ts'
import { compare, copyLog, type MovedPlace, placesOf } from './copy-log.ts'
import { checkNobody, groupsOf, moveGroups } from './groups.ts'
import { moveLetters } from './letters.ts'
import { Lines } from './lines.ts'
import { moveMarks } from './marks.ts'
import { noteBegun, noteComplete, noteGivenUp, readMove } from './move-log.ts'
import type { Moving } from './moving.ts'
import { shifted } from './shifted.ts'

export interface MoveReport {
  /** It was complete before: nothing was done now. */
  readonly already: boolean
  readonly topics: readonly { readonly topic: string; readonly partitions: number; readonly data: number }[]
  /** Where every group stands on the target. */
  readonly groups: readonly { readonly group: string; readonly behind: number; readonly replacedBy?: string }[]
  readonly letters: number
  readonly cacheEntries: number
  readonly marks: number
}

/**
 * Moves what a data directory holds to a stream and a trace that processes share: the log, the dead letters, the caches, what agents have
 * done beyond their places, and last the places themselves. Cut off anywhere, it is run again and goes on; nothing can be started on the
 * target in between. The source is read only.
 * @throws MOVE_REFUSED saying what stands in the way; LOG_CORRUPT; what the stream and the trace throw: run it again then.
 */
export async function move(moving: Moving): Promise<MoveReport> {
  const { source, stream, clock } = moving
  const standings = await source.standings()
  checkRolls(standings)
  const topics = await source.topics()
  const places = await placesOf(moving, topics)
  const groups = groupsOf(standings)
  const lines = new Lines(standings)

  const { state, from, content } = await readMove(stream)
  if (state !== 'none') checkSame(moving, state, from, content)
  if (state === 'complete') return { ...report(topics, places, standings), already: true, letters: 0, cacheEntries: 0, marks: 0 }
  if (state === 'none') await checkEmpty(moving, topics)
  await stream.ensure(topics)
  // First, so that who joins a group after it was found empty sees it and does not work.
  if (state === 'none') await begin(moving)
  try {
    await checkNobody(moving, groups, lines)
  } catch (error) {
    // It must not hold up what runs there, nor whoever mends what is in the way. Where it cannot be said, a move that is run again ends it.
    if (state === 'none') await noteGivenUp(stream, clock).catch(() => undefined)
    throw error
  }

  await copyLog(moving, places)
  const letters = await moveLetters(moving, places, lines)
  const cacheEntries = await moveCaches(moving, places)
  const marks = await moveMarks(moving, standings, places)
  await moveGroups(moving, groups, places, lines)

  await verify(moving, standings, places)
  await noteComplete(stream, clock)
  return { ...report(topics, places, standings), already: false, letters, cacheEntries, marks }
}

/** @throws MOVE_REFUSED where another move was the first to begin. */
async function begin(moving: Moving): Promise<void> {
  const { stream, clock, source } = moving
  await noteBegun(stream, clock, source.logId, source.fingerprint())
  const { state, from, content } = await readMove(stream)
  if (state !== 'none') checkSame(moving, state, from, content)
}

/** What a roll has begun to write is named by offsets that change. @throws MOVE_REFUSED */
function checkRolls(standings: readonly Standing[]): void {
  const open = standings.find(({ checkpoint, replacedBy }) => checkpoint.intent !== undefined && replacedBy === undefined)
  if (open === undefined) return
  throw new MillraceError(
    'MOVE_REFUSED',
    `${open.group} has begun a roll of ${open.topic}, partition ${open.partition}, that is not finished.`,
    {
      fix: 'Start the pipeline on the data directory once more, wait until it has caught up, stop it with SIGTERM, and move again.',
    },
  )
}

/** @throws MOVE_REFUSED where the move that was begun is not this one. */
function checkSame({ source }: Moving, state: 'begun' | 'complete', from: string | undefined, content: string | undefined): void {
  if (from !== source.logId) {
    throw new MillraceError('MOVE_REFUSED', 'Another data directory was moved to this stream, or a move of it has begun.', {
      fix: 'Name another stream, or a prefix of your own (kafka://host:9092/?prefix=…).',
    })
  }
  if (content === source.fingerprint()) return
  const what = state === 'complete' ? 'was moved, and has run on since' : 'has run on since its move began'
  throw new MillraceError('MOVE_REFUSED', `The pipeline ${what}: what was copied is no longer what the data directory holds.`, {
    fix:
      state === 'complete'
        ? 'It runs on the stream now: do not start it on the data directory. To move it anew, delete the topics that the move has made.'
        : 'Delete the topics that the move has made, and move again.',
  })
}

/** @throws MOVE_REFUSED where a topic has data: offsets could not be kept. */
async function checkEmpty({ stream }: Moving, topics: readonly TopicSpec[]): Promise<void> {
  const there = new Set((await stream.topics()).map(({ name }) => name))
  for (const { name } of [...topics, LETTERS]) {
    if (!there.has(name)) continue
    const next = (await stream.bounds(name)).find(bounds => bounds.next > 0)?.next
    if (next === undefined) continue
    throw new MillraceError('MOVE_REFUSED', `Topic '${name}' has data on the stream that are not of a move.`, {
      fix: 'Move to a stream that has none: delete that topic, or name a prefix of your own (kafka://host:9092/?prefix=…).',
    })
  }
}

/** Sees for itself: the same data at either end of each partition, and every group where it should stand. @throws MOVE_REFUSED */
async function verify(moving: Moving, standings: readonly Standing[], places: readonly MovedPlace[]): Promise<void> {
  for (const place of places) await compare(moving, place, place.next - place.base)
  const there = await moving.stream.places()
  for (const { group, topic, partition, checkpoint, replacedBy } of standings) {
    const place = places.find(one => one.topic === topic && one.partition === partition)
    const stands = there.find(one => one.group === group && one.topic === topic && one.partition === partition)
    const expected = shifted(checkpoint, place?.base ?? 0).checkpoint
    const found = stands?.checkpoint
    const balances = found !== undefined && found.offset - found.first === found.done + found.dead + found.duplicate + found.lost
    if (balances && found.offset === expected.offset && found.edition === expected.edition && stands?.replacedBy === replacedBy) continue
    throw new MillraceError(
      'MOVE_REFUSED',
      `${group} stands at ${found?.offset ?? 'no place'} in ${topic}, partition ${partition}, on the stream, where ${expected.offset} was committed.`,
      { fix: 'Stop whatever runs there, delete the topics that the move has made, and move again.' },
    )
  }
}

function report(topics: readonly TopicSpec[], places: readonly MovedPlace[], standings: readonly Standing[]) {
  return {
    topics: topics.map(({ name, partitions }) => ({
      topic: name,
      partitions,
      data: places.reduce((sum, { topic, base, next }) => (topic === name ? sum + next - base : sum), 0),
    })),
    groups: groupsOf(standings).map(({ name, standings: own }) => {
      const replacedBy = own[0]?.replacedBy
      const behind = own.reduce((sum, { checkpoint, first, next }) => sum + next - Math.max(first, checkpoint.offset), 0)
      return { group: name, behind, ...(replacedBy === undefined ? {} : { replacedBy }) }
    }),
  }
}
