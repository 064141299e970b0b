import type { Pace } from '../../agents/pace.ts'
import { addFates, type Fates, NO_FATES } from '../../agents/replay.ts'
import type { ReplayRecord } from '../../agents/replay-log.ts'
import type { Clock } from '../../clock.ts'
import type { Range } from '../../trace/trace.ts'
import { agentMeant, replayPlace } from './agent.ts'
import type { ReplayDesk } from './desk.ts'
import { spansOf } from './spans.ts'

/** So far ahead of the agent's place in its replay topic data are put: what is put cannot be called back. */
const MOST_AHEAD = 5_000
const LOOK_MS = 500
/** An agent that takes nothing for so long is not at work. */
const STALLED_MS = 10_000

export interface RunOptions {
  readonly desk: ReplayDesk
  readonly pace: Pace
  readonly clock: Clock
  readonly put: (fates: Fates) => void
  /** Told once when the agent takes nothing. */
  readonly stalled: () => void
}

/** What came of a run, and whether it came to the end. */
export interface Ran {
  readonly fates: Fates
  readonly complete: boolean
}

/**
 * Puts the data of a replay again, from where it stands, a portion at a time: each is written down once it is put. It is as fast as it may be, and
 * as far ahead of the agent as that bears.
 */
export async function runReplay(record: ReplayRecord, options: RunOptions): Promise<Ran> {
  const { desk, pace } = options
  const room = new Room(record, options)
  const { ranges: places, key } = record.chosen
  let fates = NO_FATES
  for (let range = record.at.range; range < places.length; range++) {
    const place = places[range]!
    const first = range === record.at.range ? Math.max(place.first, record.at.offset) : place.first
    for await (const span of spansOf(desk.view, { ...place, first }, key, pace.portion)) {
      for (let left = span.ranges; left.length > 0; ) {
        if (!(await room.wait()) || !(await pace.ready())) return { fates, complete: false }
        const given = await desk.put({ number: record.replay, agent: record.agent, range, place, ranges: left })
        pace.took(given.fates.replayed)
        room.end = given.end
        fates = addFates(fates, given.fates)
        options.put(given.fates)
        left = beyond(left, given.next)
      }
    }
  }
  return { fates, complete: true }
}

/** What of the ranges lies at an offset or behind it. */
function beyond(ranges: readonly Range[], next: number): readonly Range[] {
  return ranges.flatMap(({ first, end }) => (end <= next ? [] : [{ first: Math.max(first, next), end }]))
}

/** Room in the replay topic. */
class Room {
  /** The topic's end, as far as it is known. */
  end: number
  readonly #record: ReplayRecord
  readonly #options: RunOptions
  #read = 0
  #told = false

  constructor(record: ReplayRecord, options: RunOptions) {
    this.#record = record
    this.#options = options
    this.end = 0
  }

  /** @returns false where the command was interrupted. */
  async wait(): Promise<boolean> {
    const { pace, clock, stalled } = this.#options
    let movedMs = clock.now()
    while (this.end - this.#read >= MOST_AHEAD) {
      const read = await this.#look()
      if (read > this.#read) movedMs = clock.now()
      this.#read = read
      if (this.end - read < MOST_AHEAD) return true
      if (clock.now() - movedMs >= STALLED_MS && !this.#told) {
        this.#told = true
        stalled()
      }
      if (!(await pace.wait(LOOK_MS))) return false
    }
    return true
  }

  async #look(): Promise<number> {
    const { agent } = this.#record
    const standings = await this.#options.desk.view.standings()
    return replayPlace(agentMeant(`${agent.name}@${agent.version}`, standings).agent, standings)
  }
}
