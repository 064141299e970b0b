import { changeLetters, type Selection } from '../agents/change-letters.ts'
import type { DeadLetters } from '../agents/dead-letter.ts'
import { deadLetters, newestDead } from '../agents/letter-groups.ts'
import { Pace } from '../agents/pace.ts'
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Log } from './answers.ts'
import type { LetterReplay } from './api/dead.ts'
import { iso } from './seen.ts'

/** At work at once: each reads letters in the main thread. */
const MOST_RUNNING = 4
/** Those that have ended and are remembered. */
const MOST_KEPT = 50

export interface LetterReplayWish {
  readonly selection: Selection
  /** Which letters, for people. */
  readonly what: string
  /** At most so many a second; Infinity: as many as can be. */
  readonly perSecond: number
  readonly by: string
}

interface Job {
  readonly replay: number
  readonly wish: LetterReplayWish
  readonly startedMs: number
  readonly total: number
  readonly abort: AbortController
  state: LetterReplay['state']
  endedMs?: number
  replayed: number
  refused: number
  reason?: string
  finished: Promise<void>
}

/**
 * Replays of dead letters that this process does for whoever asked, who need not wait for them. They are in its memory alone, for the letters say
 * for themselves how each is: when the process dies, what was replayed is replayed, and everything else is still dead.
 */
export class LetterReplays {
  readonly #letters: Pick<DeadLetters, 'list' | 'replay'>
  readonly #clock: Clock
  readonly #log: Log | undefined
  /** The oldest first. */
  #jobs: Job[] = []
  #last = 0
  #starting = 0

  constructor(letters: Pick<DeadLetters, 'list' | 'replay'>, clock: Clock, log: Log | undefined) {
    this.#letters = letters
    this.#clock = clock
    this.#log = log
  }

  /** @throws OVERLOADED where several are at work. */
  async begin(wish: LetterReplayWish): Promise<LetterReplay> {
    const running = this.#jobs.filter(({ state }) => state === 'running').length + this.#starting
    if (running >= MOST_RUNNING)
      throw new MillraceError('OVERLOADED', `${running} replays are at work.`, { fix: 'Wait for one to end, or cancel it.' })
    this.#starting++
    try {
      const selection = await this.#bounded(wish.selection)
      const total = await this.#count(selection)
      const counts = { replayed: 0, refused: 0, total, startedMs: this.#clock.now() }
      const job: Job = {
        ...counts,
        replay: ++this.#last,
        wish: { ...wish, selection },
        abort: new AbortController(),
        state: 'running',
        finished: Promise.resolve(),
      }
      this.#jobs = [...this.#jobs, job]
      job.finished = this.#run(job)
      return toJson(job)
    } finally {
      this.#starting--
    }
  }

  /** The newest first. */
  all(): LetterReplay[] {
    return this.#jobs.map(toJson).reverse()
  }

  /** @throws REPLAY_UNKNOWN */
  one(replay: number): LetterReplay {
    return toJson(this.#of(replay))
  }

  /** Ends it where it stands; one that has ended stays as it is. @throws REPLAY_UNKNOWN */
  async cancel(replay: number): Promise<LetterReplay> {
    const job = this.#of(replay)
    job.abort.abort()
    await job.finished
    return toJson(job)
  }

  /** Ends all of them, each behind the portion that it is at. */
  async close(): Promise<void> {
    for (const { abort } of this.#jobs) abort.abort()
    await Promise.all(this.#jobs.map(({ finished }) => finished))
  }

  #of(replay: number): Job {
    const job = this.#jobs.find(each => each.replay === replay)
    if (job !== undefined) return job
    throw new MillraceError('REPLAY_UNKNOWN', `This process knows no replay ${replay} of dead letters.`, {
      fix: 'They end with the process; the letters say how each is. `millrace dead replays` (GET /v1/dead/replays) lists those of this one.',
    })
  }

  async #run(job: Job): Promise<void> {
    const { selection, perSecond, by } = job.wish
    const pace = new Pace(perSecond, this.#clock, job.abort.signal)
    const replay = (letters: readonly number[]) => this.#letters.replay(letters, by)
    try {
      const complete = await changeLetters(this.#letters, selection, pace, replay, ({ changed, refused }) => {
        job.replayed += changed.length
        job.refused += refused.length
      })
      job.state = complete ? 'complete' : 'cancelled'
    } catch (error) {
      job.state = 'failed'
      job.reason = error instanceof Error ? error.message : String(error)
      this.#log?.warn(`The replay of dead letters that ${by} asked for has failed: ${job.reason} What was not replayed is still dead.`)
    }
    job.endedMs = this.#clock.now()
    const ended = this.#jobs.filter(({ state }) => state !== 'running')
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - MOST_KEPT)))
    this.#jobs = this.#jobs.filter(each => !forgotten.has(each))
  }

  /** What dies after it was asked for is not meant: it is not in the total that is shown. */
  async #bounded(selection: Selection): Promise<Selection> {
    if ('letters' in selection) return selection
    return { filter: { ...selection.filter, newest: await newestDead(this.#letters, selection.filter) } }
  }

  async #count(selection: Selection): Promise<number> {
    if ('letters' in selection) {
      const letters = [...new Set(selection.letters)]
      return (await this.#letters.list({ letters, state: 'dead', limit: letters.length })).length
    }
    let count = 0
    for await (const page of deadLetters(this.#letters, selection.filter)) count += page.length
    return count
  }
}

function toJson({ replay, wish, state, startedMs, endedMs, total, replayed, refused, reason }: Job): LetterReplay {
  return {
    ...{ replay, state, what: wish.what, by: wish.by },
    rate: Number.isFinite(wish.perSecond) ? wish.perSecond : null,
    started: iso(startedMs),
    ended: endedMs === undefined ? null : iso(endedMs),
    ...{ total, replayed, refused },
    reason: reason ?? null,
  }
}
