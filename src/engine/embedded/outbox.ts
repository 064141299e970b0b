import { fromPortable, MillraceError } from '../../errors.ts'
import type { Appended } from '../../stream/stream.ts'
import type { Reply, Request, Result, ToWriter } from './messages.ts'
import { Packer, type PlacedBatch } from './packer.ts'

/** What waits here or is on its way to the writer; beyond it appends are refused, so memory stays bounded. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024
const MAX_PENDING_COUNT = 100_000
/** While so many messages are on their way, requests gather for the next: the busier the writer, the larger the groups. */
const MAX_IN_FLIGHT = 2
const MESSAGE_BYTES = 16 * 1024 * 1024

interface PendingAppend {
  readonly batches: readonly PlacedBatch[]
  readonly bytes: number
  readonly resolve: (appended: Appended[]) => void
  readonly reject: (error: Error) => void
}

interface PendingRequest {
  readonly build: (packer: Packer) => Request
  readonly resolve: (value: readonly number[]) => void
  readonly reject: (error: Error) => void
}

interface InFlight {
  readonly appends: readonly PendingAppend[]
  readonly requests: readonly PendingRequest[]
}

/** Everything that one client asks of the writer, gathered into one message a turn of the event loop. */
export class Outbox {
  readonly #post: (message: ToWriter) => void
  #appends: PendingAppend[] = []
  #requests: PendingRequest[] = []
  readonly #inFlight = new Map<number, InFlight>()
  #pendingBytes = 0
  #pendingCount = 0
  #scheduled = false
  #lastId = 0
  #ended: Error | undefined

  constructor(post: (message: ToWriter) => void) {
    this.#post = post
  }

  append(batches: readonly PlacedBatch[]): Promise<Appended[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const bytes = batches.reduce((sum, b) => sum + b.frames.length, 0)
    // One append alone may be as large as it is: nothing else could ever let it through.
    if (this.#pendingCount > 0 && (this.#pendingBytes + bytes > MAX_PENDING_BYTES || this.#pendingCount >= MAX_PENDING_COUNT)) {
      return Promise.reject(
        new MillraceError('OVERLOADED', `${this.#pendingBytes} bytes in ${this.#pendingCount} appends already wait to be written.`, {
          fix: 'Send again later.',
        }),
      )
    }
    this.#pendingBytes += bytes
    this.#pendingCount++
    return new Promise((resolve, reject) => {
      this.#appends.push({ batches, bytes, resolve, reject })
      this.#schedule()
    })
  }

  /** Commits and control: never refused, as their callers wait for each and so bound them. */
  request(build: (packer: Packer) => Request): Promise<readonly number[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#requests.push({ build, resolve, reject })
      this.#schedule()
    })
  }

  /** A request whose answer says nothing. */
  notify(request: Request): void {
    if (this.#ended !== undefined) return
    this.#requests.push({ build: () => request, resolve: () => {}, reject: () => {} })
    this.#schedule()
  }

  receive(reply: Reply): void {
    const message = this.#inFlight.get(reply.id)
    if (message === undefined) return
    this.#inFlight.delete(reply.id)
    for (const append of message.appends) this.#release(append)
    if (reply.failure !== undefined) {
      const error = fromPortable(reply.failure)
      for (const pending of [...message.appends, ...message.requests]) pending.reject(error)
    } else {
      settleAppends(message.appends, reply)
      for (const [index, request] of message.requests.entries()) settleRequest(request, reply.results[index])
    }
    if (this.#appends.length > 0 || this.#requests.length > 0) this.#schedule()
  }

  /** Nothing more goes out; what is on its way is answered with the error. */
  end(error: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    for (const pending of [...this.#appends, ...this.#requests]) pending.reject(error)
    for (const message of this.#inFlight.values()) for (const pending of [...message.appends, ...message.requests]) pending.reject(error)
    this.#appends = []
    this.#requests = []
    this.#inFlight.clear()
  }

  #release(append: PendingAppend): void {
    this.#pendingBytes -= append.bytes
    this.#pendingCount--
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.size >= MAX_IN_FLIGHT) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#ended === undefined && this.#inFlight.size < MAX_IN_FLIGHT) this.#send()
    })
  }

  #send(): void {
    let count = 0
    let bytes = 0
    while (count < this.#appends.length && bytes < MESSAGE_BYTES) bytes += this.#appends[count++]!.bytes
    const appends = this.#appends.splice(0, count)
    if (appends.length + this.#requests.length === 0) return
    const packer = new Packer()
    let batches = 0
    for (const append of appends) batches += packer.batches(append.batches).count
    const requests: PendingRequest[] = []
    const built: Request[] = []
    for (const pending of this.#requests.splice(0)) {
      try {
        built.push(pending.build(packer))
        requests.push(pending)
      } catch (error) {
        // A unit that names what there is not is its caller's error alone.
        pending.reject(error as Error)
      }
    }
    const id = ++this.#lastId
    this.#inFlight.set(id, { appends, requests })
    this.#post({ id, ...packer.finish(), appends: batches, requests: built })
    if (this.#appends.length > 0) this.#schedule()
  }
}

function settleAppends(appends: readonly PendingAppend[], reply: Reply): void {
  const exceptions = new Map(reply.exceptions.map(e => [e.batch, e]))
  let batch = 0
  for (const append of appends) {
    let refused: Error | undefined
    const appended = append.batches.map((): Appended => {
      const exception = exceptions.get(batch)
      if (exception?.error !== undefined) refused ??= fromPortable(exception.error)
      const at = 2 * batch++
      // The writer answers each batch of the message with two numbers.
      return {
        first: reply.appended[at]!,
        count: reply.appended[at + 1]!,
        duplicates: exception?.duplicates ?? [],
        taken: exception?.taken ?? [],
      }
    })
    if (refused === undefined) append.resolve(appended)
    else append.reject(refused)
  }
}

function settleRequest(request: PendingRequest, result: Result | undefined): void {
  if (result !== undefined && 'error' in result) request.reject(fromPortable(result.error))
  else request.resolve(result?.value ?? [])
}
