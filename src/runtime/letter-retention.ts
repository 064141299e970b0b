import type { Clock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import { groupName } from '../engine/engine.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { Log } from './log.ts'

const EVERY_MS = 60_000
/** In one step: between two of them the engine has its turn. */
const STEP = 500

export interface LetterRetentionOptions {
  readonly engine: Pick<Engine, 'letters'>
  readonly clock: Clock
  /** How long a letter may be dead. */
  readonly retentionMs: number
  /** Told how many of an agent have expired. */
  readonly expired: (agent: AgentVersion, count: number) => void
  readonly log: Log
}

/**
 * Lets dead letters expire that nobody has come to in time, now and then. Each stays as a count; that it went is said, counted and never silent.
 * Several processes at it do it once: a letter that has expired does not expire again.
 * @returns ends it.
 */
export function keepLetterRetention(options: LetterRetentionOptions): () => Promise<void> {
  const { clock, log } = options
  const over = new AbortController()
  let failing = false
  let working: Promise<void> = Promise.resolve()
  const round = async () => {
    try {
      await expireAll(options, over.signal)
      failing = false
    } catch (error) {
      // The stream may be away for a while: what is to expire waits.
      if (!failing && !over.signal.aborted)
        log.warn(`Dead letters could not be looked through for those that expire: ${String(error)}`, undefined, error)
      failing = true
    }
    if (!over.signal.aborted) cancel = clock.after(EVERY_MS, start)
  }
  const start = () => {
    working = round()
  }
  let cancel = clock.after(EVERY_MS, start)
  return async () => {
    over.abort()
    cancel()
    await working
  }
}

async function expireAll({ engine, clock, retentionMs, expired, log }: LetterRetentionOptions, signal: AbortSignal): Promise<void> {
  const diedBeforeMs = clock.now() - retentionMs
  for (let after = 0; !signal.aborted; ) {
    const page = await engine.letters.list({ state: 'dead', diedBeforeMs, after, limit: STEP })
    const last = page.at(-1)
    if (last === undefined) return
    after = last.letter
    const gone = new Set(
      await engine.letters.expire(
        page.map(({ letter }) => letter),
        diedBeforeMs,
      ),
    )
    const byAgent = Map.groupBy(
      page.filter(({ letter }) => gone.has(letter)),
      ({ agent }) => groupName(agent),
    )
    for (const [group, letters] of byAgent) {
      expired(letters[0]!.agent, letters.length)
      log.warn(
        `${letters.length} dead letters of ${group} have expired, the oldest with the number ${letters[0]!.letter}: nobody came to them.`,
      )
    }
  }
}
