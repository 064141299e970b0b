import type { DeadLetters, StoredLetter } from '../agents/dead-letter.ts'
import { fingerprintOf } from '../agents/fingerprint.ts'
import type { LetterGroup } from '../agents/letter-groups.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Pipeline } from '../pipeline.ts'
import { maskingOf, shownData, topicOfDatum } from './masked.ts'

/** A dead letter as it goes over a wire, without its datum. */
export function letterToJson(letter: StoredLetter): Record<string, unknown> {
  return {
    letter: letter.letter,
    state: letter.state,
    agent: letter.agent.name,
    version: letter.agent.version,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    data_id: letter.dataId,
    error: errorToJson(letter),
    fingerprint: fingerprintOf(letter),
    attempts: letter.attempts,
    at: new Date(letter.atMs).toISOString(),
    replays: letter.replays,
    replayed: letter.replayedMs === undefined ? null : new Date(letter.replayedMs).toISOString(),
    edited:
      letter.edited === undefined
        ? null
        : { times: letter.edited.times, by: letter.edited.by, at: new Date(letter.edited.atMs).toISOString() },
  }
}

/** Letters that failed in the same way. */
export function groupToJson(group: LetterGroup): Record<string, unknown> {
  return {
    fingerprint: group.fingerprint,
    agent: group.agent.name,
    version: group.agent.version,
    error: errorToJson(group),
    shape: group.shape,
    count: group.count,
    first: new Date(group.firstMs).toISOString(),
    last: new Date(group.lastMs).toISOString(),
    example: group.example,
  }
}

function errorToJson({ error }: Pick<StoredLetter, 'error'>): Record<string, unknown> {
  return { code: error.code ?? null, name: error.name, message: error.message }
}

/**
 * A letter with all there is to see of it.
 * @param pipeline whose topics say what is hidden; without one nothing is, for whoever reads the letters where they lie.
 * @returns undefined where there is no such letter.
 */
export async function shownLetter(
  letters: Pick<DeadLetters, 'list' | 'frame' | 'original'>,
  number: number,
  pipeline?: Pipeline,
): Promise<Record<string, unknown> | undefined> {
  const [letter] = await letters.list({ letters: [number], limit: 1 })
  if (letter === undefined) return undefined
  const frame = await letters.frame(number)
  const original = letter.edited === undefined ? undefined : await letters.original(number)
  return letterWithDatumToJson(letter, { frame, original, pipeline })
}

/** `frame` as a replay gives it to the agent; `original` as it died, where a person has changed it since. */
function letterWithDatumToJson(
  letter: StoredLetter,
  {
    frame,
    original,
    pipeline,
  }: { readonly frame: Uint8Array | undefined; readonly original: Uint8Array | undefined; readonly pipeline: Pipeline | undefined },
): Record<string, unknown> {
  return {
    ...letterToJson(letter),
    stack: letter.error.stack ?? null,
    datum: frame === undefined ? null : datumToJson(letter.topic, frame, pipeline),
    ...(original === undefined ? {} : { original: datumToJson(letter.topic, original, pipeline) }),
  }
}

/** The datum as its envelope, `data` decoded where it is JSON (`json`), else as Base64; masked. */
function datumToJson(topic: string, frame: Uint8Array, pipeline: Pipeline | undefined): Record<string, unknown> {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const { key, ...data } = shownData(maskingOf(pipeline, topicOfDatum(cursor, topic)), cursor)
  return {
    data_id: cursor.dataId,
    source: cursor.source,
    created: new Date(cursor.createdMs).toISOString(),
    content_type: cursor.contentType,
    key,
    parents: cursor.envelope(topic).parents ?? [],
    ...data,
  }
}
