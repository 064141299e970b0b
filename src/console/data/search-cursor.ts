import { MillraceError } from '../../errors.ts'

/** Where a search stopped: by topic and partition, the offset below which nothing has been looked at. */
export type Ends = Readonly<Record<string, readonly (number | null | undefined)[]>>

export function cursorText(ends: Ends): string {
  return Buffer.from(JSON.stringify(ends)).toString('base64url')
}

/** @throws QUERY_INVALID where it is none that {@link cursorText} has made. */
export function endsOf(text: string): Ends {
  let ends: unknown
  try {
    ends = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw wrong(cause)
  }
  if (!isEnds(ends)) throw wrong()
  return ends
}

function isEnds(value: unknown): value is Ends {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(
    offsets => Array.isArray(offsets) && offsets.every(offset => offset === null || (Number.isSafeInteger(offset) && offset >= 0)),
  )
}

function wrong(cause?: unknown): MillraceError {
  return new MillraceError('QUERY_INVALID', 'The place to go on from cannot be read.', {
    fix: "Give the 'more' of the answer before, as it is.",
    cause,
  })
}
