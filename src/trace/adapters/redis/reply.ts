import type { Reply } from './link.ts'

/*
 * What a server answers, as what was asked for. Anything else is a server that is none, or a script that is wrong: a bug, not a state.
 */

export function textOrNull(reply: Reply): string | null {
  if (reply === null || typeof reply === 'string') return reply
  throw unexpected('a text', reply)
}

export function textsOrNulls(reply: Reply): (string | null)[] {
  return listOf(reply).map(textOrNull)
}

export function textsOf(reply: Reply): string[] {
  return textsOrNulls(reply).map(text => text ?? '')
}

export function bytesOrNull(reply: Reply): Buffer | null {
  if (reply === null || Buffer.isBuffer(reply)) return reply
  throw unexpected('bytes', reply)
}

export function listOf(reply: Reply): readonly Reply[] {
  // Array.isArray does not narrow a readonly array away.
  if (Array.isArray(reply)) return reply as readonly Reply[]
  throw unexpected('a list', reply)
}

function unexpected(what: string, reply: Reply): TypeError {
  return new TypeError(`Redis should have answered with ${what}; it answered ${JSON.stringify(reply)?.slice(0, 100)}.`)
}
