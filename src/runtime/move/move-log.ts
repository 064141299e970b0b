import type { Clock } from '../../clock.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import { notesBatch } from '../../stream/notes.ts'
import type { Stream, TopicSpec } from '../../stream/stream.ts'

/** What a stream remembers of moves to it. */
const MOVE: TopicSpec = { name: '_move', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }
const READ_BYTES = 64 * 1024

/** `from` and `content`: the log that is moved and what was in it. */
type MoveEvent =
  | { readonly event: 'begun'; readonly from: string; readonly content: string; readonly at_ms: number }
  | { readonly event: 'complete'; readonly at_ms: number }
  /** Nothing of it was brought. */
  | { readonly event: 'given-up'; readonly at_ms: number }

/** How far the move to a stream has come. */
export interface MoveState {
  readonly state: 'none' | 'begun' | 'complete'
  readonly from?: string
  readonly content?: string
}

type Target = Pick<Stream, 'topics' | 'read' | 'append' | 'ensure'>

export async function readMove(stream: Pick<Stream, 'topics' | 'read'>): Promise<MoveState> {
  if (!(await stream.topics()).some(({ name }) => name === MOVE.name)) return { state: 'none' }
  let state: MoveState = { state: 'none' }
  for (let next = 0; ; ) {
    const batch = await stream.read(MOVE.name, 0, next, READ_BYTES)
    if (batch.count === 0) return state
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (cursor.isVoid) continue
      // Only #note() writes these.
      const event = JSON.parse(cursor.dataText) as MoveEvent
      // Of a beginning that was written twice, the first counts.
      if (event.event === 'given-up') state = { state: 'none' }
      else if (event.event === 'complete') state = { ...state, state: 'complete' }
      else if (state.state === 'none') state = { state: 'begun', from: event.from, content: event.content }
    }
    next = batch.first + batch.count
  }
}

/** From here on nothing starts on the stream until the move is complete. */
export async function noteBegun(stream: Target, clock: Clock, from: string, content: string): Promise<void> {
  await stream.ensure([MOVE])
  await note(stream, clock, { event: 'begun', from, content, at_ms: clock.now() })
}

export async function noteComplete(stream: Target, clock: Clock): Promise<void> {
  await note(stream, clock, { event: 'complete', at_ms: clock.now() })
}

/** What runs on the stream may go on: the move has put nothing there, and nobody need end it. */
export async function noteGivenUp(stream: Target, clock: Clock): Promise<void> {
  await note(stream, clock, { event: 'given-up', at_ms: clock.now() })
}

/**
 * What runs on half a log would take it for the whole: agents would handle again what was handled before.
 * @throws MOVE_UNFINISHED
 */
export async function checkNoMove(stream: Pick<Stream, 'topics' | 'read'>): Promise<void> {
  if ((await readMove(stream)).state !== 'begun') return
  throw new MillraceError('MOVE_UNFINISHED', 'A pipeline is being moved to this stream, and the move has not ended.', {
    fix: 'Let it end, or run millrace move again where it was cut off. To give it up, delete the topics that it has made.',
  })
}

async function note(stream: Pick<Stream, 'append'>, clock: Clock, event: MoveEvent): Promise<void> {
  await stream.append([notesBatch(MOVE.name, 0, [{ key: event.event, data: JSON.stringify(event) }], clock.now())])
}
