import type { MillraceError } from '../../errors.ts'
import type { Answer } from './messages.ts'

/** A service that works on data when it is asked: a request has some data, and its reply says what became of each. Made by http() and lambda(). */
export interface Service {
  /** In messages, as their subject: `The service of mood@1 (https://mood.example/v1)`. */
  readonly name: string
  readonly limits: RequestLimits
  /**
   * Sends one request. What comes of it once the signal has aborted counts no more.
   * @throws {@link Away} where the data are to wait; anything else is laid to the data of the request.
   */
  call(request: Request, signal: AbortSignal): Promise<readonly Answer[]>
  /** Nothing is asked any more, and what is under way has been aborted. */
  close(): void
}

export interface RequestLimits {
  /** Requests under way at once. */
  readonly requests: number
  /** A request has at most so many data. */
  readonly batch: number
  /** And so many bytes, unless one datum alone is larger. */
  readonly batchBytes: number
  /** A datum that makes a request larger than this fails for good. */
  readonly mostBytes: number
}

export interface Request {
  /** JSON, as docs/protocol.md says. */
  readonly body: string
  /** The data_id of each datum; its place here is its `n`. */
  readonly ids: readonly string[]
}

/** The service cannot do it now, and its data wait. */
export class Away extends Error {
  /** What to tell people. */
  readonly why: MillraceError
  /** How long it asks to be left alone. */
  readonly afterMs: number | undefined
  /**
   * Whether a datum could have caused it: where a gateway stands before a service, one that dies on a datum and one that is not there look
   * the same; so do a datum on which it hangs, and a service that hangs.
   */
  readonly unsure: boolean

  constructor(why: MillraceError, options: { readonly afterMs?: number | undefined; readonly unsure?: boolean } = {}) {
    super(why.message, { cause: why })
    this.why = why
    this.afterMs = options.afterMs
    this.unsure = options.unsure ?? false
  }
}
