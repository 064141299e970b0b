import { checkCount } from '../../count.ts'
import type { Agent, Input } from '../agent.ts'
import type { Join } from './join.ts'
import type { TimeWindow } from './time-window.ts'

/** Tells a window of time from one that counts, and both from a join. @throws TypeError */
export function gatheredBy(say: string, from: Input, window: unknown, hasState: boolean): Pick<Agent, 'window' | 'gather'> {
  const join = isJoin(from) ? from : undefined
  if (typeof window !== 'object' || window === null) {
    if (window === undefined) return { window, gather: join }
    // What is no number is said to be none.
    return { window: checkCount(`${say} window`, window as number, 100_000), gather: join }
  }
  // Told by its kind in the next line.
  const time = window as TimeWindow
  if (time.kind !== 'time-window') throw new TypeError(`${say} window is neither a number nor tumbling(…), hopping(…) or session(…).`)
  if (join !== undefined)
    throw new TypeError(`${say} has a window of time over a join: write the pairs to a topic, and let another agent have the window.`)
  if (time.shape === 'session' && hasState)
    throw new TypeError(`${say} has a state in session windows, of which two can become one: leave it out, the window has its data.`)
  return { window: undefined, gather: time }
}

export function isJoin(from: unknown): from is Join {
  return typeof from === 'object' && from !== null && 'kind' in from && from.kind === 'join'
}
