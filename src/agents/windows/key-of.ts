import { MillraceError } from '../../errors.ts'

const MAX_KEY_BYTES = 1_024
/** A key of so many characters cannot be longer. */
const SAFE_KEY_LENGTH = MAX_KEY_BYTES / 3

/** @throws DATUM_INVALID: `by` is pure, and says the same another time. */
export function keyOf(by: (datum: unknown) => string, datum: unknown): string {
  let key: unknown
  try {
    key = by(datum)
  } catch (cause) {
    throw new MillraceError('DATUM_INVALID', `'by' threw ${String(cause)}.`, { cause })
  }
  if (typeof key !== 'string')
    throw new MillraceError('DATUM_INVALID', `'by' gave ${key === null ? 'null' : typeof key}; it must give a string.`)
  if (key.length > SAFE_KEY_LENGTH && Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new MillraceError('DATUM_INVALID', `'by' gave a key of ${Buffer.byteLength(key)} bytes, more than ${MAX_KEY_BYTES}.`)
  return key
}
