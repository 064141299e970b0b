import type { MessagePort } from 'node:worker_threads'
import type { Link } from './messages.ts'

/** A link over a port. Who closes it last does not matter: both ends hear of it. @param over the link's end is not told before. */
export function portLink<Out, In>(port: MessagePort, over: Promise<void> = Promise.resolve()): Link<Out, In> {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    listen(onMessage, onClose) {
      port.on('message', onMessage)
      port.on('close', () => void over.then(onClose))
    },
    close: () => port.close(),
  }
}

/** Two ends in one thread: a message is handed over in the next turn of the event loop, as a port would, and never copied. */
export function localLinks<A, B>(): [Link<A, B>, Link<B, A>] {
  const first = new LocalEnd<A, B>()
  const second = new LocalEnd<B, A>()
  first.other = second
  second.other = first
  return [first, second]
}

class LocalEnd<Out, In> implements Link<Out, In> {
  other: LocalEnd<In, Out> | undefined
  #onMessage: ((message: In) => void) | undefined
  #onClose: (() => void) | undefined
  #open = true

  post(message: Out, _transfer: ArrayBuffer[]): void {
    setImmediate(() => this.other?.receive(message))
  }
  listen(onMessage: (message: In) => void, onClose: () => void): void {
    this.#onMessage = onMessage
    this.#onClose = onClose
  }
  receive(message: In): void {
    if (this.#open) this.#onMessage?.(message)
  }
  close(): void {
    if (!this.#open) return
    this.#open = false
    setImmediate(() => this.other?.closed())
  }
  closed(): void {
    if (!this.#open) return
    this.#open = false
    this.#onClose?.()
  }
}
