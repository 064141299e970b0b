/**
 * What became of data that an agent was to be given again: `replayed` are in its replay topic. The others were left out: it has done them; they
 * are in its dead letters, from where they are replayed; it comes to them by itself (`ahead`); they are in its replay topic already
 * (`waiting`); they have expired, or the position holds no datum (`gone`).
 */
export const FATES = ['replayed', 'done', 'dead', 'ahead', 'waiting', 'gone'] as const
export type Fate = (typeof FATES)[number]
/** How many of each. */
export type Fates = { readonly [fate in Fate]: number }

export interface GivenAgain {
  readonly fates: Fates
  /** The first offset that was not looked at: the end of the last range, unless what lies before it is many megabytes. */
  readonly next: number
  /** The replay topic, and its end after what was put there. */
  readonly topic: string
  readonly end: number
}

export const NO_FATES: Fates = { replayed: 0, done: 0, dead: 0, ahead: 0, waiting: 0, gone: 0 }

export function addFates(one: Fates, other: Fates): Fates {
  return {
    replayed: one.replayed + other.replayed,
    done: one.done + other.done,
    dead: one.dead + other.dead,
    ahead: one.ahead + other.ahead,
    waiting: one.waiting + other.waiting,
    gone: one.gone + other.gone,
  }
}
