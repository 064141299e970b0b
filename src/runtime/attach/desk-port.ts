import type { MessagePort } from 'node:worker_threads'
import type { ClaimedWork, WorkDesk } from '../../agents/remote.ts'
import { fromPortable, MillraceError, type PortableError, toPortable } from '../../errors.ts'

/** What the listener's thread asks the agent's. */
type Call =
  | { readonly call: 'claim'; readonly id: number; readonly most: number; readonly waitMs: number }
  /** Whoever waited for this claim has gone. It is answered all the same. */
  | { readonly call: 'gone'; readonly id: number }
  | { readonly call: 'commit'; readonly id: number; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly call: 'release'; readonly claim: string }

interface Answer {
  readonly id: number
  readonly value?: ClaimedWork | string | undefined
  readonly error?: PortableError
}

/** In the agent's thread: lets the other side of the port call the desk. */
export function serveDesk(desk: WorkDesk, port: MessagePort): void {
  const waiting = new Map<number, AbortController>()
  const answer = (id: number, work: Promise<ClaimedWork | string | undefined>) => {
    work
      .then(
        // A batch is handed over, not copied.
        value => port.postMessage({ id, value } satisfies Answer, typeof value === 'object' ? [value.json.buffer] : []),
        error => port.postMessage({ id, error: toPortable(error) } satisfies Answer),
      )
      .finally(() => waiting.delete(id))
  }
  port.on('message', (message: Call) => {
    if (message.call === 'claim') {
      const gone = new AbortController()
      waiting.set(message.id, gone)
      answer(message.id, desk.claim(message.most, message.waitMs, gone.signal))
    } else if (message.call === 'commit') answer(message.id, desk.commit(message.body))
    else if (message.call === 'gone') waiting.get(message.id)?.abort()
    else desk.release(message.claim)
  })
}

/** A desk in another thread. When that thread ends, whoever waits for its answer hears that it is not known. */
export class DeskPort implements WorkDesk {
  readonly #agent: string
  readonly #port: MessagePort
  readonly #waiting = new Map<number, { resolve(value: ClaimedWork | string | undefined): void; reject(error: Error): void }>()
  #next = 0
  #isClosed = false

  /** @param agent name@version */
  constructor(agent: string, port: MessagePort) {
    this.#agent = agent
    this.#port = port
    port.on('message', ({ id, value, error }: Answer) => {
      const waiter = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiter?.resolve(value)
      else waiter?.reject(fromPortable(error))
    })
    port.on('close', () => this.close())
  }

  async claim(most: number, waitMs: number, gone: AbortSignal): Promise<ClaimedWork | undefined> {
    const id = this.#next++
    const withdraw = () => this.#send({ call: 'gone', id })
    gone.addEventListener('abort', withdraw, { once: true })
    try {
      // What a claim is answered with.
      return (await this.#ask(id, { call: 'claim', id, most, waitMs })) as ClaimedWork | undefined
    } finally {
      gone.removeEventListener('abort', withdraw)
    }
  }

  async commit(body: Uint8Array): Promise<string> {
    const id = this.#next++
    // A copy, to be handed over as it is: a chunk of the network's is a view of a larger buffer, all of which would be cloned. A string is
    // what a commit is answered with.
    return (await this.#ask(id, { call: 'commit', id, body: new Uint8Array(body) })) as string
  }

  release(claim: string): void {
    this.#send({ call: 'release', claim })
  }

  close(): void {
    this.#isClosed = true
    this.#port.close()
    for (const { reject } of this.#waiting.values()) reject(this.#away())
    this.#waiting.clear()
  }

  #ask(id: number, call: Call): Promise<ClaimedWork | string | undefined> {
    if (this.#isClosed) return Promise.reject(this.#away())
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send(call)
    })
  }

  #send(call: Call): void {
    if (!this.#isClosed) this.#port.postMessage(call, call.call === 'commit' ? [call.body.buffer] : [])
  }

  #away(): MillraceError {
    return new MillraceError('AGENT_AWAY', `The thread of ${this.#agent} has ended.`, {
      fix: 'Ask again in a moment. What a commit that was under way has not done is given out anew.',
    })
  }
}
