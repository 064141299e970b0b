import type { Duration } from '../../duration.ts'
import { checkOptions } from '../../options.ts'
import type { Topic } from '../../stream/topic.ts'
import { checkedVersion, lengthMs, timesOf } from './time-window.ts'

/** Two topics, of which each datum meets those of the other that have its key and were created at about its time. Made by {@link join}. */
export interface Join<Left = unknown, Right = unknown> {
  readonly kind: 'join'
  readonly left: Topic<unknown, Left>
  readonly right: Topic<unknown, Right>
  readonly by: (datum: unknown) => string
  readonly withinMs: number
  readonly latenessMs: number
  readonly maxAheadMs: number
  readonly version: number
  readonly late: Topic | undefined
}

/** A datum of each of two topics, of one key. */
export interface Pair<Left, Right> {
  readonly key: string
  readonly left: Left
  readonly right: Right
}

export interface JoinOptions<Datum, Late> {
  /** The key of a datum of either topic. */
  readonly by: (datum: Datum) => string
  /** How far apart the two may be created: so long is each held to wait for the other. */
  readonly within: Duration
  /** How much older than the newest datum of its topic a datum may be and still meet all of its partners. Default `'1m'`. */
  readonly lateness?: Duration
  /** Where data go that come later than that. Default: the dead letters, with WINDOW_CLOSED. */
  readonly late?: Topic<Late>
  /** How far `created` may lie beyond the time that the datum's id was made, or it is a dead letter, CREATED_AHEAD. Default `'1h'`. */
  readonly maxAhead?: Duration
  /** A whole number from 1. All versions of an agent share the pairs of one version; pairs by another key are another version. Default 1. */
  readonly version?: number
}

/** Refuses a topic for late data that does not take those of both sides. */
type TakesBoth<Datum, Late> = [Datum] extends [Late] ? unknown : { readonly late: 'It must take the data of both topics.' }

/**
 * Joins two topics by key and time: `from: join(impressions, clicks, { by: d => d.user, within: '10m' })` gives the handler each
 * `{ left, right }` once, as soon as both are there. One that has no partner is in no pair.
 */
export function join<Left, Right, Late = unknown>(
  left: Topic<unknown, Left>,
  right: Topic<unknown, Right>,
  options: JoinOptions<Left | Right, Late> & TakesBoth<Left | Right, Late>,
): Join<Left, Right> {
  if (left?.kind !== 'topic' || right?.kind !== 'topic')
    throw new TypeError('join(…) needs two topics: declare them with topic(…) and give those.')
  const say = `join('${left.name}', '${right.name}')`
  if (left.name === right.name) throw new TypeError(`${say} joins a topic with itself: fold its pairs with 'window' or 'state'.`)
  checkOptions(say, options ?? {}, ['by', 'within', 'lateness', 'late', 'maxAhead', 'version'])
  if (typeof options?.by !== 'function') throw new TypeError(`${say} needs the key that both have, such as by: d => d.user.`)
  return {
    kind: 'join',
    left,
    right,
    // Data of both topics come through one shape; the compiler has checked that it takes them.
    by: options.by as (datum: unknown) => string,
    withinMs: lengthMs(options.within, `${say} within`),
    ...timesOf(say, { lateness: options.lateness, maxAhead: options.maxAhead }),
    version: checkedVersion(say, options.version ?? 1),
    late: options.late,
  }
}
