import { decodeData } from '../envelope/content.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { type Validated, validate } from '../envelope/schema.ts'
import { type Issue, MillraceError } from '../errors.ts'
import { type Masking, sayIssue } from '../stream/masked.ts'
import type { Topic } from '../stream/topic.ts'

/** A datum as its handler gets it, or why it cannot be. */
export type Decoded = { readonly value: unknown; readonly error?: undefined } | { readonly value?: undefined; readonly error: Error }

/**
 * The cursor's datum, decoded by its content type and checked by its topic's schema. A promise only where the schema is asynchronous:
 * one for each datum would cost more than the handler.
 */
export function decode(cursor: FrameCursor, topic: Topic): Decoded | Promise<Decoded> {
  let checked: Validated<unknown> | Promise<Validated<unknown>>
  try {
    checked = validate(topic.schema, decodeRaw(cursor))
  } catch (thrown) {
    return { error: asError(thrown) }
  }
  if (checked instanceof Promise)
    return checked.then(
      done => settle(done, topic),
      thrown => ({ error: asError(thrown) }),
    )
  return checked.issues === undefined ? checked : settle(checked, topic)
}

function settle(checked: Validated<unknown>, topic: Topic): Decoded {
  if (checked.issues === undefined) return checked
  return {
    error: new MillraceError(
      'DATUM_INVALID',
      `The datum does not match the schema of topic '${topic.name}': ${sayIssues(checked.issues, topic)}.`,
      {
        issues: checked.issues,
      },
    ),
  }
}

/** JSON straight from the batch's text, the cheapest way measured; `decodeData` where that fails, for it says what is wrong. */
function decodeRaw(cursor: FrameCursor): unknown {
  if (cursor.isJson) {
    const text = cursor.dataText
    try {
      // U+FFFD is what bytes that are not UTF-8 become: decodeData tells it from a real one.
      if (!text.includes('\uFFFD')) return JSON.parse(text)
    } catch {
      // Parsed again below, where the error gets its code and says what was expected.
    }
  }
  return decodeData(cursor.contentType, cursor.data)
}

/** `station: expected string; readings[3]: too big`, at most three of them. */
export function sayIssues(issues: readonly Issue[], masking: Masking): string {
  const said = issues.slice(0, 3).map(issue => sayIssue(issue, masking))
  return issues.length > 3 ? `${said.join('; ')}; and ${issues.length - 3} more` : said.join('; ')
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
