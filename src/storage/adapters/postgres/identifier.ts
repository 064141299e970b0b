import { hash } from 'node:crypto'
import { plainName } from '../../rows/names.ts'

/** PostgreSQL cuts longer names without a word, and two that differ only behind the cut would be one. */
const MOST_BYTES = 63
const HASH_DIGITS = 8

/** The name of a topic's table: one that needs no quotes, cut where it is too long. */
export function tableName(topic: string): string {
  return fitted(plainName(topic), topic)
}

/** The name, or where it is too long what fits of it and a hash of `whole`. */
export function fitted(name: string, whole = name): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name
  const kept = Buffer.from(name)
    .subarray(0, MOST_BYTES - HASH_DIGITS - 1)
    .toString('utf8')
    // A character cut in two decodes to U+FFFD, which is longer than what was cut.
    .replace(/\uFFFD+$/, '')
  return `${kept}_${hash('sha256', whole).slice(0, HASH_DIGITS)}`
}

/** Whether PostgreSQL can have a table or column of exactly this name. */
export function isIdentifier(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.isWellFormed() && !name.includes('\0') && Buffer.byteLength(name) <= MOST_BYTES
}
