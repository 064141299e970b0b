import { MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended } from '../../stream/stream.ts'
import { appendWithin, isAway } from './answer.ts'
import { checkSizes } from './datum-size.ts'
import { Drain, type Round } from './drain.ts'
import { Held } from './held.ts'
import { LoggedAppends } from './logged-appends.ts'
import { Pauses } from './pauses.ts'
import { RefusedFiles } from './refused-files.ts'
import type { Spill, SpillNotices, SpillOptions, SpillState, SpillStatus, SpillTopic } from './spill.ts'
import type { SpillFolder } from './spill-folder.ts'
import type { SpillLog } from './spill-log.ts'
import { SpillRoom } from './spill-room.ts'
import { bytesText } from './spill-text.ts'

const DEFAULT_APPEND_TIMEOUT_MS = 3_000
/** Nobody waits for a drain's append, and it is larger than a producer's. */
const DRAIN_PATIENCE = 3
/** Longer than the stream on Kafka goes on trying an append (60 s), which answers it then. */
const DEFAULT_SEND_TIMEOUT_MS = 65_000
/** Producers wait while the stream is handed over to: it must be quick, or be tried again with less left. */
const HAND_OVER_MS = 1_000
const HAND_OVER_BYTES = 1024 * 1024
const SMALLEST_HAND_OVER_BYTES = 65_536
/** For somebody to give back a right, or make a topic anew, before data are set aside for its want. */
const DEFAULT_REFUSED_GRACE_MS = 10 * 60_000

/** For a round in hand to end, once draining is told to. */
const LAST_ROUND_MS = 1_000

/** Which states may follow which; see {@link SpillState}. */
const FOLLOWS: Readonly<Record<SpillState, readonly SpillState[]>> = {
  direct: ['spilling'],
  spilling: ['direct', 'draining', 'handing-over'],
  draining: ['direct', 'spilling', 'handing-over'],
  'handing-over': ['direct', 'spilling', 'draining'],
}

/** {@link Spill}, as a state machine. Whenever it is not `direct` there is a log, and one loop ({@link #recover}) that drains it. */
export class SpillingStream implements Spill {
  readonly #options: SpillOptions
  readonly #notices: SpillNotices
  readonly #room: SpillRoom
  readonly #refusedFiles: RefusedFiles
  readonly #pauses: Pauses
  readonly #appendTimeoutMs: number
  readonly #held = new Held()
  readonly #logged: LoggedAppends
  readonly #stop = new AbortController()
  #state: SpillState = 'direct'
  #sinceMs = 0
  #reason: string | undefined
  #recovering: Promise<void> = Promise.resolve()
  #handOverBytes = HAND_OVER_BYTES
  /** Data of this outage. */
  #setAside = 0
  #isClosing = false

  constructor(options: SpillOptions, folder: SpillFolder, notices: SpillNotices) {
    this.#options = options
    this.#notices = notices
    this.#room = new SpillRoom(options, folder, notices)
    this.#refusedFiles = new RefusedFiles(options.directory, options.maxBytes, options.clock)
    this.#logged = new LoggedAppends(options.clock)
    this.#pauses = new Pauses(options.random ?? Math.random)
    this.#appendTimeoutMs = options.appendTimeoutMs ?? DEFAULT_APPEND_TIMEOUT_MS
  }

  /** Opens the log once, so that one which cannot be opened is found now and not in an outage; and drains what it holds from before. */
  async start(): Promise<void> {
    await this.#refusedFiles.look()
    const { count, path } = this.#refusedFiles
    if (count > 0)
      this.#notices.warn(`Data that were accepted and that the stream has refused are in ${path}: import them, and delete that folder.`)
    await this.#room.log()
    const { waiting } = this.#room
    if (waiting === 0) return await this.#room.retire()
    await this.#room.measure()
    this.#notices.info(`${dataText(waiting)} of an earlier process wait in ${this.#room.folder.path}, and go to the stream now.`)
    this.#begin('they were spilled before the start')
  }

  append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    if (this.#isClosing) return Promise.reject(closing())
    if (this.#state === 'direct') return this.#direct(batches)
    if (this.#state === 'handing-over') return this.#held.add(batches)
    return this.#logged.run(() => this.#spill(batches))
  }

  ensure(topics: readonly SpillTopic[]): Promise<void> {
    return this.#room.ensure(topics)
  }

  status(): SpillStatus {
    const refused = this.#refusedFiles
    return {
      state: this.#state,
      data: this.#room.waiting,
      bytes: this.#room.bytes,
      maxBytes: this.#options.maxBytes,
      full: this.#room.isFull,
      sinceMs: this.#sinceMs,
      ...(refused.count === 0 ? {} : { refused: { files: refused.count, path: refused.path } }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    }
  }

  async close(graceMs: number): Promise<number> {
    this.#isClosing = true
    const { clock } = this.#options
    const late = Promise.withResolvers<void>()
    const cancels = [clock.after(graceMs, () => this.#stop.abort(closing())), clock.after(graceMs + LAST_ROUND_MS, late.resolve)]
    await Promise.race([this.#recovering, late.promise])
    for (const cancel of cancels) cancel()
    const { bytes } = this.#room
    const left = await this.#room.close()
    if (left > 0) {
      this.#notices.warn(
        `${dataText(left)} (${bytesText(bytes)}) could not go to the stream yet. They wait in ${this.#room.folder.path} and go at the next start: keep that folder.`,
      )
    }
    return left
  }

  #become(next: SpillState): void {
    if (!FOLLOWS[this.#state].includes(next)) throw new TypeError(`A spill cannot go from ${this.#state} to ${next}.`)
    this.#state = next
  }

  async #direct(batches: readonly AppendBatch[]): Promise<Appended[]> {
    const { stream, clock } = this.#options
    try {
      return await appendWithin(stream, batches, clock, this.#appendTimeoutMs)
    } catch (error) {
      if (!isAway(error) || this.#isClosing) throw error
      // Of several that fail together only the first finds it direct.
      if (this.#state === 'direct') {
        this.#notices.warn(`The stream is away, and data are spilled to ${this.#room.folder.path}: ${reasonOf(error)}`)
        this.#begin(reasonOf(error))
      }
      return this.append(batches)
    }
  }

  async #spill(batches: readonly AppendBatch[]): Promise<Appended[]> {
    checkSizes(batches, this.#options.maxDatumBytes)
    try {
      const appended = await (await this.#room.log()).append(batches, this.#options.clock.now())
      this.#room.grew(batches.reduce((sum, { frames }) => sum + frames.length, 0))
      this.#record(
        appended.reduce((sum, { count }) => sum + count, 0),
        0,
      )
      return appended
    } catch (error) {
      throw await this.#room.refusal(error)
    }
  }

  /** Leaves `direct`. From here on everything goes behind what waits, so that order holds. */
  #begin(reason: string): void {
    this.#become('spilling')
    this.#sinceMs = this.#options.clock.now()
    this.#reason = reason
    this.#handOverBytes = HAND_OVER_BYTES
    this.#setAside = 0
    this.#recovering = this.#recover()
  }

  /** Back to `direct`: nothing waits any more. */
  #end(): void {
    this.#become('direct')
    this.#sinceMs = 0
    this.#reason = undefined
    void this.#room.retire()
    this.#record(0, 0)
  }

  /**
   * Until the stream has everything, or this closes. Whatever goes wrong on the way, and in mending that, is tried again after a pause: a loop that
   * ended here would leave what waits behind, and a rejection that nobody hears would end the process.
   */
  async #recover(): Promise<void> {
    const { signal } = this.#stop
    let failed: { readonly error: unknown } | undefined
    while (!signal.aborted) {
      try {
        if (failed !== undefined && (await this.#isLeft(failed.error))) return
        failed = undefined
        if (await this.#drained(await this.#room.log())) return
      } catch (error) {
        failed = { error }
      }
    }
  }

  /** After a failure of the log, and a pause. @returns whether it is left, as nothing is kept in it; it is opened anew otherwise. */
  async #isLeft(failure: unknown): Promise<boolean> {
    this.#notices.warn(`The spill in ${this.#room.folder.path} cannot be used: ${reasonOf(failure)}`)
    this.#reason = `the spill cannot be used: ${reasonOf(failure)}`
    await this.#pause()
    // Where nothing is kept, what comes next tries the stream again.
    if (this.#room.waiting === 0 && this.#logged.isIdle) {
      this.#end()
      return true
    }
    this.#room.reopen()
    return false
  }

  /** Drains until appends are direct again (true), or this closes (false). @throws where the log can no longer be used. */
  async #drained(log: SpillLog): Promise<boolean> {
    const { clock, stream, sendTimeoutMs = DEFAULT_SEND_TIMEOUT_MS, refusedGraceMs = DEFAULT_REFUSED_GRACE_MS } = this.#options
    const { signal } = this.#stop
    const drain = new Drain(log, {
      stream,
      clock,
      signal,
      sendTimeoutMs,
      refusedGraceMs,
      refusedFiles: this.#refusedFiles,
      notices: this.#notices,
      isFull: () => this.#room.isFull,
    })
    let nothings = 0
    while (!signal.aborted) {
      if (log.isBroken) throw new MillraceError('ENGINE_FAILED', 'It can no longer be written.')
      const round = await drain.round(this.#appendTimeoutMs * DRAIN_PATIENCE)
      this.#took(round, log)
      await this.#room.measure()
      if (hasLeft(round)) {
        nothings = 0
        this.#pauses.reset()
        const isLittle = (log.backlog.waiting / round.count) * round.bytes <= this.#handOverBytes
        if (isLittle && !log.backlog.isRefused && (await this.#handOver(log, drain))) return true
        continue
      }
      // Once, the first append may still be on its way into the log. Twice, none could be kept, and only an append can tell how the stream is.
      nothings = round.kind === 'nothing' ? nothings + 1 : 0
      if (nothings > 1 && log.backlog.waiting === 0 && (await this.#handOver(log, drain))) return true
      await this.#pause()
    }
    return false
  }

  #took(round: Round, log: SpillLog): void {
    if (hasLeft(round)) {
      if (this.#state === 'spilling') this.#become('draining')
      if (!log.backlog.isRefused) this.#reason = undefined
      if (round.kind === 'set-aside') this.#setAside += round.count
      this.#record(0, round.kind === 'moved' ? round.count : 0)
    } else if (round.kind === 'away') {
      if (this.#state === 'draining') this.#become('spilling')
      this.#reason = round.error.message
    } else if (round.kind === 'refused') {
      this.#reason = round.error.message
    }
  }

  /** Appends wait meanwhile. @returns whether it came about; they go on as before otherwise. */
  async #handOver(log: SpillLog, drain: Drain): Promise<boolean> {
    const { clock } = this.#options
    const before = this.#state
    const untilMs = clock.now() + HAND_OVER_MS
    const leftMs = () => Math.max(1, untilMs - clock.now())
    let round: Round | undefined
    this.#become('handing-over')
    try {
      const isIdle = await this.#logged.idle(leftMs())
      while (isIdle && log.backlog.waiting > 0 && clock.now() < untilMs) {
        round = await drain.round(leftMs())
        this.#took(round, log)
        if (!hasLeft(round)) break
      }
    } finally {
      // From the last look to the release nothing is awaited: no append can slip between.
      if (log.backlog.waiting === 0 && this.#logged.isIdle && !this.#stop.signal.aborted) {
        const seconds = Math.round((clock.now() - this.#sinceMs) / 1_000)
        // Without anything that it has taken nobody knows whether it is back: the next append will tell.
        if (before === 'draining' || round !== undefined)
          this.#notices.info(`The stream is back, and has everything that was spilled in ${seconds} s${this.#but()}.`)
        this.#end()
      } else {
        this.#become(round?.kind === 'away' ? 'spilling' : before)
        this.#handOverBytes = Math.max(SMALLEST_HAND_OVER_BYTES, this.#handOverBytes / 2)
      }
      this.#held.release(batches => this.append(batches))
    }
    return this.#state === 'direct'
  }

  #but(): string {
    return this.#setAside === 0 ? '' : `, but ${dataText(this.#setAside)} that it refuses and that are in ${this.#refusedFiles.path}`
  }

  async #pause(): Promise<void> {
    const { signal } = this.#stop
    await this.#options.clock.sleep(this.#pauses.next(), signal).catch(error => {
      // Woken by closing, which the loop looks at next.
      if (!signal.aborted) throw error
    })
  }

  #record(spilled: number, drained: number): void {
    this.#options.recorder?.spill?.({ data: this.#room.waiting, bytes: this.#room.bytes, spilled, drained })
  }
}

/** Whether data have left the log. */
function hasLeft(round: Round): round is Round & { readonly kind: 'moved' | 'set-aside' } {
  return round.kind === 'moved' || round.kind === 'set-aside'
}

function dataText(data: number): string {
  return data === 1 ? '1 datum' : `${data.toLocaleString('en')} data`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function closing(): MillraceError {
  return new MillraceError('SHUTTING_DOWN', 'The front end is shutting down.', { fix: 'Send again, to another or in a moment.' })
}
