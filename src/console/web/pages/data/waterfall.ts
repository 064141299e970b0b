import type { Life, Step } from '../../../api/data.ts'

/** A bar of the waterfall: shares of its whole length, 0 to 1. */
export interface Bar {
  readonly kind: 'wait' | 'work'
  readonly from: number
  readonly to: number
  /** It is not over yet, and may be longer than there is room for. */
  readonly open: boolean
}

export interface Row {
  readonly step: Step
  readonly bars: readonly Bar[]
}

export interface Waterfall {
  /** The first time that is known, in milliseconds since 1970. */
  readonly fromMs: number
  /** What the whole length stands for. */
  readonly lengthMs: number
  /** How long it all took, or takes until now. */
  readonly tookMs: number
  /** Somebody has yet to take or to finish it. */
  readonly isOpen: boolean
  readonly rows: readonly Row[]
}

/**
 * When each agent had a datum, on one scale: from the first time that is known to the last. What waits or is in hand is drawn until now, but
 * takes at most as much room again: what stands still for an hour would leave none for the milliseconds before. Times that are not known have
 * no bar.
 */
export function waterfallOf({ accepted, steps }: Pick<Life, 'accepted' | 'steps'>, nowMs: number): Waterfall {
  const known = [accepted, ...steps.flatMap(({ appended, claimed, finished }) => [appended, claimed, finished])].flatMap(time =>
    time === null ? [] : [Date.parse(time)],
  )
  const open = isOpen({ steps })
  const from = Math.min(...known)
  const last = Math.max(from + 1, ...known)
  const to = open ? Math.max(last, Math.min(nowMs, last + (last - from))) : last
  const share = (ms: number) => Math.min(1, Math.max(0, (ms - from) / (to - from)))
  const bar = (kind: Bar['kind'], start: number | undefined, end: number | undefined, isOver: boolean): Bar[] => {
    if (start === undefined || (end === undefined && isOver)) return []
    return [{ kind, from: share(start), to: share(Math.max(start, end ?? nowMs)), open: end === undefined }]
  }
  const rows = steps.map(step => {
    const [appended, claimed, finished] = [msOf(step.appended), msOf(step.claimed), msOf(step.finished)]
    return {
      step,
      bars: [...bar('wait', appended, claimed, step.state !== 'waiting'), ...bar('work', claimed, finished, !isStepOpen(step))],
    }
  })
  return { fromMs: from, rows, lengthMs: to - from, tookMs: (open ? nowMs : last) - from, isOpen: open }
}

function msOf(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time)
}

/** Whether somebody has yet to take or to finish it, or what came of it. */
export function isOpen({ steps }: Pick<Life, 'steps'>): boolean {
  return steps.some(isStepOpen)
}

function isStepOpen({ state }: Step): boolean {
  return state === 'waiting' || state === 'in_hand'
}
