import { type Duration, durationMs } from '../../duration.ts'
import { checkOptions } from '../../options.ts'
import type { Topic } from '../../stream/topic.ts'

/** Windows on the data's own time, `created`. Made by {@link tumbling}, {@link hopping} and {@link session}. `Datum` is what they can take. */
export interface TimeWindow<in Datum = never> {
  readonly kind: 'time-window'
  readonly shape: 'tumbling' | 'hopping' | 'session'
  /** How long a window is; of a session the pause that ends it. */
  readonly sizeMs: number
  /** From one window's start to the next one's. */
  readonly everyMs: number
  readonly latenessMs: number
  readonly maxAheadMs: number
  readonly version: number
  readonly late: Topic | undefined
  /** Never set: it lets the compiler compare the data with what `late` takes. */
  readonly takes?: (datum: Datum) => void
}

export interface WindowOptions<Late> {
  /**
   * How much older than the newest datum of its partition a datum may be and still be in its windows: they close so much later. Default `'1m'`.
   */
  readonly lateness?: Duration
  /** Where data go whose window has closed. Default: the dead letters, with WINDOW_CLOSED. */
  readonly late?: Topic<Late>
  /**
   * How far `created` may lie beyond the time that the datum's id was made, or it is a dead letter, CREATED_AHEAD: one wrong clock would close
   * every window. Default `'1h'`.
   */
  readonly maxAhead?: Duration
  /**
   * A whole number from 1. All versions of an agent share the windows of one version; windows of another length or key are another version.
   * Default 1.
   */
  readonly version?: number
}

/** Windows side by side, each datum in one: `tumbling('1h')` is the hours, counted from 1970 UTC. */
export function tumbling<Late = unknown>(size: Duration, options: WindowOptions<Late> = {}): TimeWindow<Late> {
  const say = `tumbling(${JSON.stringify(size)})`
  const sizeMs = lengthMs(size, say)
  return { shape: 'tumbling', sizeMs, everyMs: sizeMs, ...checked(say, options) }
}

/** Windows that overlap: `hopping('1h', { every: '5m' })` is an hour that ends every five minutes; a datum is in twelve of them. */
export function hopping<Late = unknown>(size: Duration, options: WindowOptions<Late> & { readonly every: Duration }): TimeWindow<Late> {
  const say = `hopping(${JSON.stringify(size)})`
  const sizeMs = lengthMs(size, say)
  const everyMs = lengthMs(options.every, `${say} every`)
  if (everyMs > sizeMs)
    throw new TypeError(`${say} begins every ${everyMs} ms, and data between two windows would be in none: let every be shorter.`)
  if (sizeMs / everyMs > MAX_OVERLAP)
    throw new TypeError(`${say} has a datum in ${Math.ceil(sizeMs / everyMs)} windows, more than ${MAX_OVERLAP}: let every be longer.`)
  return { shape: 'hopping', sizeMs, everyMs, ...checked(say, options) }
}

/** Windows that last as long as data of their key follow each other by less than `gap`: visits, trips, outages. */
export function session<Late = unknown>(gap: Duration, options: WindowOptions<Late> = {}): TimeWindow<Late> {
  const say = `session(${JSON.stringify(gap)})`
  const sizeMs = lengthMs(gap, say)
  return { shape: 'session', sizeMs, everyMs: sizeMs, ...checked(say, options) }
}

/** Each datum of a hopping window is held once, and noted in so many windows. */
const MAX_OVERLAP = 1_000

function checked<Late>(say: string, options: WindowOptions<Late>) {
  checkOptions(say, options, ['lateness', 'late', 'maxAhead', 'version', 'every'])
  const { lateness, late, maxAhead, version = 1 } = options
  if (late !== undefined && late.kind !== 'topic')
    throw new TypeError(`${say} late is not a topic: declare it with topic(…) and give that.`)
  return {
    kind: 'time-window' as const,
    ...timesOf(say, { lateness, maxAhead }),
    version: checkedVersion(say, version),
    late,
  }
}

/** The two bounds of `created` that windows and joins share. */
export function timesOf(
  say: string,
  { lateness = '1m', maxAhead = '1h' }: { readonly lateness: Duration | undefined; readonly maxAhead: Duration | undefined },
): { readonly latenessMs: number; readonly maxAheadMs: number } {
  return { latenessMs: durationMs(lateness, `${say} lateness`), maxAheadMs: durationMs(maxAhead, `${say} maxAhead`) }
}

export function checkedVersion(say: string, version: number): number {
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`${say} has version ${JSON.stringify(version)}: a version is a whole number from 1.`)
  return version
}

/** A whole number of milliseconds, so that a window's bounds are exact. */
export function lengthMs(length: Duration, say: string): number {
  const ms = durationMs(length, say)
  if (!Number.isSafeInteger(ms) || ms < 1) throw new TypeError(`${say} is ${ms} ms long: it must be a whole number of them, from 1.`)
  return ms
}
