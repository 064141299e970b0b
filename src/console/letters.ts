import type { StoredLetter } from '../agents/dead-letter.ts'
import { decodeData, isJsonType } from '../envelope/content.ts'
import { FrameCursor } from '../envelope/frame.ts'

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
    error: { code: letter.error.code ?? null, name: letter.error.name, message: letter.error.message },
    attempts: letter.attempts,
    at: new Date(letter.atMs).toISOString(),
    replays: letter.replays,
    replayed: letter.replayedMs === undefined ? null : new Date(letter.replayedMs).toISOString(),
  }
}

/** The same with the error's stack and the datum. */
export function letterWithDatumToJson(letter: StoredLetter, frame: Uint8Array): Record<string, unknown> {
  return { ...letterToJson(letter), stack: letter.error.stack ?? null, datum: datumToJson(letter.topic, frame) }
}

/** The datum as its envelope, `data` decoded where it is JSON (`json`), else as Base64. */
function datumToJson(topic: string, frame: Uint8Array): Record<string, unknown> {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const { contentType, data } = cursor
  return {
    data_id: cursor.dataId,
    source: cursor.source,
    created: new Date(cursor.createdMs).toISOString(),
    content_type: contentType,
    key: cursor.key === '' ? null : cursor.key,
    parents: cursor.envelope(topic).parents ?? [],
    ...jsonOf(contentType, data),
  }
}

function jsonOf(contentType: string, data: Buffer): Record<string, unknown> {
  const raw = { data: data.toString('base64') }
  if (!isJsonType(contentType)) return raw
  try {
    return { json: decodeData(contentType, data) }
  } catch (error) {
    // That it does not decode may be the very reason why it is here.
    return { ...raw, undecodable: error instanceof Error ? error.message : String(error) }
  }
}
