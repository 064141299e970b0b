import type { Envelope } from '../envelope/envelope.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Context } from './agent.ts'

/**
 * What a handler is given beside the datum, one for each attempt. Envelope and signal are made when they are asked for: most
 * handlers ask for neither, and an AbortController for each datum costs as much as the handler.
 */
export class HandlerContext implements Context<unknown, number, unknown> {
  readonly window: readonly unknown[]
  readonly state: unknown
  readonly attempt: number
  readonly #datum: HandledFrame
  #envelope: Envelope | undefined
  #controller: AbortController | undefined
  #reason: unknown

  constructor(datum: HandledFrame, window: readonly unknown[], state: unknown, attempt: number) {
    this.window = window
    this.state = state
    this.attempt = attempt
    this.#datum = datum
  }

  get envelope(): Envelope {
    if (this.#envelope === undefined) {
      const { bytes, start, end, topic } = this.#datum
      const cursor = new FrameCursor(bytes.subarray(start, end))
      cursor.next()
      this.#envelope = cursor.envelope(topic)
    }
    return this.#envelope
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      // The attempt may have ended before the handler looked.
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.#reason !== undefined
  }

  abort(reason: Error): void {
    this.#reason ??= reason
    this.#controller?.abort(reason)
  }
}

/** What a handler of batches is given beside the data. */
export class BatchContext {
  /** For each datum, in their order. */
  readonly each: readonly HandlerContext[]
  readonly #controller = new AbortController()

  constructor(each: readonly HandlerContext[]) {
    this.each = each
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get attempt(): number {
    return this.each[0]!.attempt
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted
  }

  abort(reason: Error): void {
    this.#controller.abort(reason)
    for (const context of this.each) context.abort(reason)
  }
}

/** Where the datum's frame lies; it may be moved, and is looked up when it is asked for. */
export interface HandledFrame {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** The topic it was sent to, also where it comes from the replay topic. */
  readonly topic: string
}
