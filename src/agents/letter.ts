import { toPortable } from '../errors.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { DeadLetter } from './dead-letter.ts'

const MAX_TEXT_LENGTH = 8_192

/** The dead letter of a datum: a copy of its frame, and the error without what a foreign one may drag along. */
export function letterOf(
  agent: AgentVersion,
  position: Pick<DeadLetter, 'topic' | 'partition' | 'offset' | 'dataId'>,
  error: unknown,
  attempts: number,
  atMs: number,
  frame: Uint8Array,
): DeadLetter {
  const { code, name, stack } = toPortable(error)
  const message = error instanceof Error ? error.message : String(error)
  return {
    agent,
    ...position,
    error: {
      ...(code === undefined ? {} : { code }),
      name: cut(name),
      message: cut(message),
      ...(stack === undefined ? {} : { stack: cut(stack) }),
    },
    attempts,
    atMs,
    frame: Uint8Array.from(frame),
  }
}

/** A message may hold the whole datum, or worse. */
function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text
}
