import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../clock.ts'
import { type MillraceError, toPortable } from '../../errors.ts'
import { commitGroup, type Incoming, isWrite } from './group-commit.ts'
import { Groups, type Sharing } from './groups.ts'
import type { FromWriter, Link, Reply, ToWriter } from './messages.ts'
import { Store, type StoreSettings } from './store.ts'
import { Wakers } from './wakers.ts'

/** A group takes at most so much: what is beyond it waits for the next. */
const GROUP_MESSAGES = 1_000
const GROUP_BYTES = 32 * 1024 * 1024
/** A claim that is not committed by then can be seen in the trace. */
const CLAIM_LINGER_MS = 20
/** Without writes for so long, the WAL goes back into the file. */
const IDLE_MS = 1_000
const RETENTION_EVERY_MS = 10_000

export interface WriterSettings extends StoreSettings {
  readonly clock: Clock
  /** It cannot go on: everything from now on is ENGINE_FAILED. */
  readonly onFailed: (error: Error) => void
}

type Client = Link<FromWriter, ToWriter>

/** The only one that writes. Everything that is queued when it turns to the queue is one transaction and one fsync. */
export class Writer {
  readonly #settings: WriterSettings
  readonly #store: Store
  readonly #clients = new Set<Client>()
  readonly #groups = new Groups<Client>()
  readonly #wakers = new Wakers<Client>()
  #queue: Incoming<Client>[] = []
  #scheduled = false
  #failure: MillraceError | undefined
  #closed = false
  #cancelTimers: (() => void)[] = []
  #lingering = false
  #idling = false
  #wroteMs = 0

  constructor(settings: WriterSettings) {
    this.#settings = settings
    this.#store = new Store(settings)
    this.#keepRetention()
  }

  /** The connection, for readers in the same thread. */
  get db(): DatabaseSync {
    return this.#store.tables.db
  }

  attach(client: Client): void {
    this.#clients.add(client)
    client.listen(
      message => this.#receive({ client, message }),
      () => this.#detach(client),
    )
  }

  /** Commits what is queued, and closes the file. */
  close(): void {
    if (this.#closed) return
    while (this.#queue.length > 0 && this.#failure === undefined) this.#run()
    this.#closed = true
    for (const cancel of this.#cancelTimers) cancel()
    try {
      if (this.#failure === undefined) this.#store.close()
    } finally {
      for (const client of this.#clients) client.close()
    }
  }

  #receive(incoming: Incoming<Client>): void {
    if (this.#closed) return
    if (this.#failure !== undefined) {
      this.#send(incoming.client, { replies: [failed(incoming.message, this.#failure)] })
      return
    }
    for (const request of incoming.message.requests) {
      if (request.kind === 'claim') this.#store.tables.trace.claim(request.agent, request.claim)
      else if (request.kind === 'wake') this.#wait(incoming.client, request.place, request.beyond)
    }
    this.#queue.push(incoming)
    this.#schedule()
  }

  #wait(client: Client, place: number, beyond: number): void {
    if (this.#store.tables.log.next(place) > beyond) this.#send(client, { replies: [], news: { ended: [], leases: [], grown: [place] } })
    else this.#wakers.wait(client, place)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // A turn later: what has arrived by then is one group.
    setImmediate(() => {
      this.#scheduled = false
      if (this.#closed || this.#failure !== undefined) return
      this.#run()
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  #run(): void {
    const group = this.#take()
    const writes = group.filter(incoming => isWrite(incoming.message))
    const replies = new Map<Client, Reply[]>()
    for (const { client, message } of group) {
      if (!isWrite(message))
        push(replies, client, { id: message.id, appended: new Float64Array(0), exceptions: [], results: message.requests.map(() => ({})) })
    }
    let grown: readonly number[] = []
    if (writes.length > 0) {
      try {
        const committed = commitGroup(this.#store, this.#groups, writes, this.#settings.clock.now())
        grown = committed.grown
        for (const [index, reply] of committed.replies.entries()) push(replies, writes[index]!.client, reply)
      } catch (error) {
        const failure = this.#recover(error)
        for (const { client, message } of writes) push(replies, client, failed(message, failure))
      }
    }
    for (const { client, message } of group) {
      for (const request of message.requests) if (request.kind === 'leave') this.#groups.leave(client, request.member)
    }
    this.#tell(replies, grown)
    if (writes.length > 0) this.#wrote(writes.reduce((sum, w) => sum + w.message.arena.byteLength, 0))
    this.#linger()
  }

  #take(): Incoming<Client>[] {
    let count = 0
    let bytes = 0
    while (count < this.#queue.length && count < GROUP_MESSAGES && bytes < GROUP_BYTES)
      bytes += this.#queue[count++]!.message.arena.byteLength
    return this.#queue.splice(0, count)
  }

  /** Answers and news, after the commit that they tell of. */
  #tell(replies: Map<Client, Reply[]>, grown: readonly number[]): void {
    const shared = new Map<Client, Sharing<Client>>(
      this.#failure === undefined ? this.#groups.share(this.#store.tables).map(s => [s.client, s]) : [],
    )
    const woken = this.#wakers.grown(grown)
    for (const client of new Set([...replies.keys(), ...shared.keys(), ...woken.keys()])) {
      const sharing = shared.get(client)
      const places = woken.get(client)
      this.#send(client, {
        replies: replies.get(client) ?? [],
        ...(sharing === undefined && places === undefined
          ? {}
          : { news: { ended: sharing?.ended ?? [], leases: sharing?.leases ?? [], grown: places ?? [] } }),
      })
    }
  }

  #send(client: Client, message: FromWriter): void {
    client.post(
      message,
      message.replies.map(reply => reply.appended.buffer).filter(buffer => buffer.byteLength > 0),
    )
  }

  /** After a failure of the store. @returns what those who asked are told. */
  #recover(error: unknown): MillraceError {
    try {
      const { told, reopened } = this.#store.recover(error)
      if (reopened) this.#groups.endAll()
      return told
    } catch (gone) {
      // The store's own words where it cannot be opened again.
      return this.#fail(gone as MillraceError)
    }
  }

  #fail(error: MillraceError): MillraceError {
    this.#failure = error
    for (const client of this.#clients)
      this.#send(client, { replies: [], news: { ended: [], leases: [], grown: [], failed: toPortable(error) } })
    for (const { client, message } of this.#queue.splice(0)) this.#send(client, { replies: [failed(message, error)] })
    this.#settings.onFailed(error)
    return error
  }

  #detach(client: Client): void {
    this.#clients.delete(client)
    this.#wakers.forget(client)
    if (this.#closed) return
    this.#groups.leave(client)
    if (this.#failure === undefined) this.#tell(new Map(), [])
  }

  #linger(): void {
    if (this.#lingering || !this.#store.tables.trace.hasPendingClaims) return
    this.#lingering = true
    this.#after(CLAIM_LINGER_MS, () => {
      this.#lingering = false
      this.#alone(() => this.#store.tables.trace.writeClaims())
    })
  }

  /** The WAL goes back into the file when it is large, and when nothing has been written for a while. */
  #wrote(bytes: number): void {
    this.#wroteMs = this.#settings.clock.now()
    this.#guard(() => this.#store.wal.wrote(bytes))
    this.#idle()
  }

  #idle(): void {
    if (this.#idling || !this.#store.wal.dirty) return
    this.#idling = true
    this.#after(IDLE_MS, () => {
      this.#idling = false
      if (this.#settings.clock.now() - this.#wroteMs < IDLE_MS) this.#idle()
      else this.#guard(() => this.#store.wal.checkpoint())
    })
  }

  #keepRetention(): void {
    this.#after(RETENTION_EVERY_MS, () => {
      const step = () => {
        if (this.#closed || this.#failure !== undefined) return
        let more = false
        this.#alone(() => {
          more = this.#store.retention.step(this.#settings.clock.now())
        })
        // Between two steps the queue has its turn.
        if (more) setImmediate(step)
        else this.#keepRetention()
      }
      step()
    })
  }

  /** A small transaction of the writer's own. */
  #alone(work: () => void): void {
    this.#guard(() => {
      this.#store.transact(this.#settings.clock.now(), work)
      this.#wrote(0)
    })
  }

  #guard(work: () => void): void {
    if (this.#closed || this.#failure !== undefined) return
    try {
      work()
    } catch (error) {
      this.#recover(error)
      if (this.#failure === undefined) this.#tell(new Map(), [])
    }
  }

  #after(ms: number, fire: () => void): void {
    const cancel = this.#settings.clock.after(ms, () => {
      this.#cancelTimers = this.#cancelTimers.filter(c => c !== cancel)
      if (!this.#closed) fire()
    })
    this.#cancelTimers.push(cancel)
  }
}

function push(replies: Map<Client, Reply[]>, client: Client, reply: Reply): void {
  const known = replies.get(client)
  if (known === undefined) replies.set(client, [reply])
  else known.push(reply)
}

function failed(message: ToWriter, error: MillraceError): Reply {
  return { id: message.id, appended: new Float64Array(0), exceptions: [], results: [], failure: toPortable(error) }
}
