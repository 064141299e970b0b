import { deserialize, serialize } from 'node:v8'

const CLONED = '$cloned'
/** Deeper values are cloned: a circle has no end. */
const MAX_DEPTH = 64

/**
 * What JSON holds whole of a value, so that {@link fromExact} makes the same again: the value as it stands where that is plain, else its
 * structured clone in base64 (dates, bytes, maps, -0). A window holds what the topic's schema made of its data.
 * @throws where the value cannot be cloned, such as one with functions.
 */
export function exact(value: unknown): unknown {
  const isTaken = typeof value === 'object' && value !== null && CLONED in value
  return !isTaken && isPlain(value, 0) ? value : { [CLONED]: serialize(value).toString('base64') }
}

/** Its text. */
export function exactJson(value: unknown): string {
  return JSON.stringify(exact(value))
}

/** Bytes of that; 0 of what cannot be cloned, for then there is none. */
export function exactBytes(value: unknown): number {
  try {
    return Buffer.byteLength(exactJson(value))
  } catch {
    return 0
  }
}

/** @param parsed what JSON.parse made of {@link exact}'s text. */
export function fromExact(parsed: unknown): unknown {
  if (typeof parsed !== 'object' || parsed === null || !(CLONED in parsed)) return parsed
  if (typeof parsed[CLONED] !== 'string') throw new TypeError(`${CLONED} is not text.`)
  return deserialize(Buffer.from(parsed[CLONED], 'base64'))
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || depth === MAX_DEPTH) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const property of Object.values(value)) if (!isPlain(property, depth + 1)) return false
  return true
}
