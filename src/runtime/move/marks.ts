import { agentOf, type Standing } from '../../engine/engine.ts'
import { ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { RecordBatch } from '../../stream/stream.ts'
import { type ClaimStates, DEAD, DONE, type Mark, type MarkBatch, type Range } from '../../trace/trace.ts'
import type { MovedPlace } from './copy-log.ts'
import type { Moving } from './moving.ts'

const READ_BYTES = 1024 * 1024

/**
 * Marks what agents have finished beyond their places, so that it is not done again; with `history` also what lies before, as far as the
 * trace remembers. Replaced versions work no more, and theirs are their successors'. @returns how many data were marked.
 */
export async function moveMarks(moving: Moving, standings: readonly Standing[], places: readonly MovedPlace[]): Promise<number> {
  const { source, trace, history, signal } = moving
  let count = 0
  for (const { group, topic, partition, checkpoint, replacedBy } of standings) {
    const place = places.find(one => one.topic === topic && one.partition === partition)
    if (replacedBy !== undefined || place === undefined) continue
    const agent = agentOf(group)
    const from = Math.max(place.base, history ? 0 : checkpoint.offset)
    for await (const batch of knownRange(source, place, { first: from, end: place.next }, { readBytes: READ_BYTES, signal })) {
      signal.throwIfAborted()
      const states = source.states(agent, place, batch.first, batch.first + batch.count)
      if (!states.some(isFinished)) continue
      for (const marks of marksOf(batch, states, place, offset => markOf(moving, group, place, offset))) {
        await trace.mark(agent, marks)
        count += marks.ids.length / ID_BYTES
      }
    }
  }
  return count
}

function isFinished(state: number): boolean {
  return state === DONE || state === DEAD
}

/** One for what is done, and one for each that is dead. Its times are those of the first. */
function* marksOf(
  batch: RecordBatch,
  states: ClaimStates,
  { topic, partition, base }: MovedPlace,
  known: (offset: number) => Mark | undefined,
): Generator<MarkBatch> {
  const done: Range[] = []
  const ids: Buffer[] = []
  let first: Mark | undefined
  const cursor = new FrameCursor(batch.frames)
  while (cursor.next()) {
    const state = states[cursor.index]!
    if (!isFinished(state)) continue
    const at = batch.first + cursor.index
    const offset = at - base
    const id = cursor.bytes.subarray(cursor.idAt, cursor.idAt + ID_BYTES)
    if (state === DEAD) {
      const mark = known(at)
      const times = { claimedMs: mark?.claimedMs ?? 0, finishedMs: mark?.finishedMs ?? 0 }
      const attempts = [{ offset, attempts: mark?.attempts ?? 1 }]
      yield { topic, partition, done: [], dead: [{ offset, reason: mark?.reason ?? '' }], ...times, attempts, ids: Uint8Array.from(id) }
      continue
    }
    first ??= known(at)
    const last = done.at(-1)
    if (last?.end === offset) done[done.length - 1] = { first: last.first, end: offset + 1 }
    else done.push({ first: offset, end: offset + 1 })
    ids.push(id)
  }
  if (done.length === 0) return
  const times = { claimedMs: first?.claimedMs ?? 0, finishedMs: first?.finishedMs ?? 0 }
  yield { topic, partition, done, dead: [], ...times, attempts: [], ids: Buffer.concat(ids) }
}

/** The mark of the agent, or of one whose place it has. */
function markOf({ source }: Moving, group: string, place: MovedPlace, offset: number): Mark | undefined {
  const { name, version } = agentOf(group)
  const marks = source.marks(place, offset).filter(mark => mark.name === name && mark.state !== 'claimed')
  return marks.find(mark => mark.version === version) ?? marks[0]
}
