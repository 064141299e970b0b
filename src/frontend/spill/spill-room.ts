import type { Clock } from '../../clock.ts'
import { isMillraceError } from '../../errors.ts'
import type { SpillNotices, SpillOptions, SpillTopic } from './spill.ts'
import type { SpillFolder } from './spill-folder.ts'
import { SpillFull } from './spill-full.ts'
import { SpillLog } from './spill-log.ts'
import { bytesText } from './spill-text.ts'

const MEASURE_EVERY_MS = 1_000

/** The room that a spill has on disk: a log that is made when an outage begins, measured while it lasts and removed after it. */
export class SpillRoom {
  readonly folder: SpillFolder
  readonly #options: SpillOptions
  readonly #clock: Clock
  readonly #notices: SpillNotices
  #topics: readonly SpillTopic[]
  #log: Promise<SpillLog> | undefined
  #opened: SpillLog | undefined
  /** The log of the outage before, on its way out of its folder. */
  #retiring: Promise<void> = Promise.resolve()
  #bytes = 0
  #measuredMs = 0
  #isFull = false

  constructor(options: SpillOptions, folder: SpillFolder, notices: SpillNotices) {
    this.#options = options
    this.folder = folder
    this.#clock = options.clock
    this.#notices = notices
    this.#topics = options.topics
  }

  /** Data that wait in it. */
  get waiting(): number {
    return this.#opened?.backlog.waiting ?? 0
  }
  /** On disk, as last measured, and what has been appended since. */
  get bytes(): number {
    return this.#bytes
  }
  /** The last append did not fit. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** The log, opened where there is none. Rejects as `openLog` does, until it is {@link reopen}ed or {@link retire}d. */
  log(): Promise<SpillLog> {
    this.#log ??= this.#open(undefined)
    return this.#log
  }

  /** In place of one that cannot be used any more. What comes from now on waits for the new one. */
  reopen(): void {
    this.#log = this.#open(this.#log)
    // Whoever needs it asks for it and is told; until then nobody listens.
    this.#log.catch(() => undefined)
  }

  async ensure(topics: readonly SpillTopic[]): Promise<void> {
    this.#topics = topics
    const log = await this.#log
    await log?.ensure(topics)
  }

  /** After an append of so many bytes of frames. */
  grew(bytes: number): void {
    this.#isFull = false
    this.#bytes += bytes
  }

  /** At most once a second. */
  async measure(): Promise<void> {
    const nowMs = this.#clock.now()
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS) return
    this.#measuredMs = nowMs
    this.#bytes = await this.folder.bytes()
  }

  /** Why an append failed, for its producer. The log's limit and a full disk are one error to the log, and two to those who are to mend it. */
  async refusal(error: unknown): Promise<unknown> {
    if (!isMillraceError(error, 'DISK_FULL')) return error
    const isDiskFull = await this.folder.isDiskFull()
    if (!this.#isFull) {
      const what = isDiskFull ? 'The disk of the spill is full' : `The spill is full (${bytesText(this.#options.maxBytes)})`
      this.#notices.warn(`${what}, and the stream is still away: producers are told to come back.`)
    }
    this.#isFull = true
    return isDiskFull ? error : new SpillFull(this.waiting, this.#options.maxBytes, error)
  }

  /** Lets go of the log and gives its space back; nothing may wait in it. The next one is opened only after that. Never rejects. */
  retire(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    this.#opened = undefined
    this.#bytes = 0
    this.#isFull = false
    this.#retiring = (async () => {
      const opened = await log?.catch(() => undefined) // Who asked for it was told why it could not be opened.
      if (opened === undefined) return
      await opened.close()
      await this.folder.remove()
    })().catch((error: Error) => this.#notices.warn(`The spill’s folder ${this.folder.path} could not be removed: ${error.message}`))
    return this.#retiring
  }

  /** Lets go and leaves on disk what waits. @returns how many data that is. */
  async close(): Promise<number> {
    await this.#retiring
    const left = this.waiting
    const log = await this.#log?.catch(() => undefined) // As above.
    await log?.close()
    return left
  }

  async #open(before: Promise<SpillLog> | undefined): Promise<SpillLog> {
    const old = await before?.catch(() => undefined) // As above.
    await old?.close()
    await this.#retiring
    const { openLog, maxBytes } = this.#options
    this.#opened = await SpillLog.open(await openLog({ directory: this.folder.path, maxBytes }), this.#topics)
    return this.#opened
  }
}
