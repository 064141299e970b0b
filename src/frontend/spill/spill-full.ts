import { MillraceError } from '../../errors.ts'
import { bytesText } from './spill-text.ts'

/** An outage is not over in a second, and neither is draining. */
const RETRY_AFTER_SECONDS = 10

/** OVERLOADED: the stream is away, and so is the room to keep data until it is back. */
export class SpillFull extends MillraceError {
  readonly retryAfterSeconds = RETRY_AFTER_SECONDS

  constructor(waiting: number, maxBytes: number, cause: unknown) {
    super(
      'OVERLOADED',
      `The stream is away, and the spill is full: ${waiting.toLocaleString('en')} data wait in it, and its limit is ${bytesText(maxBytes)}.`,
      { fix: 'Send again later; nothing was stored.', cause },
    )
  }
}
