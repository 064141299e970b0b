import { mint, parseId } from '../../../src/envelope/data-id.ts'

/** A datum of the tests: its own number, whose it is, when it was created. */
export interface Dated {
  readonly n: number
  readonly key: string
  readonly createdMs: number
}

export interface Expected {
  readonly key: string
  readonly startMs: number
  readonly endMs: number
  /** The numbers of its data, in order. */
  readonly of: readonly number[]
}

/**
 * What windows of a fixed length must give for one partition's log, said of all data at once and not step by step: a datum is in each window
 * around it that the data before it had not closed, and a window is put out once the data have passed its end. The lateness is that of all, or
 * of each datum.
 */
export function fixedWindows(log: readonly Dated[], sizeMs: number, everyMs: number, latenessMs: number | readonly number[]) {
  const reached = log.map(({ createdMs }, i) => createdMs - (typeof latenessMs === 'number' ? latenessMs : latenessMs[i]!))
  const watermarks = log.map((_, i) => Math.max(Number.NEGATIVE_INFINITY, ...reached.slice(0, i)))
  const last = Math.max(Number.NEGATIVE_INFINITY, ...reached)
  const windows = new Map<string, Expected & { of: number[] }>()
  const late: number[] = []
  const inOrder = log.map((datum, i) => ({ ...datum, i })).sort((a, b) => a.createdMs - b.createdMs || a.i - b.i)
  for (const { n, key, createdMs, i } of inOrder) {
    let isLate = false
    for (let startMs = Math.floor(createdMs / everyMs) * everyMs; startMs > createdMs - sizeMs; startMs -= everyMs) {
      const endMs = startMs + sizeMs
      if (endMs <= watermarks[i]!) isLate = true
      else {
        const window = windows.get(`${key} ${startMs}`) ?? { key, startMs, endMs, of: [] }
        windows.set(`${key} ${startMs}`, window)
        window.of.push(n)
      }
    }
    if (isLate) late.push(n)
  }
  return { closed: [...windows.values()].filter(window => window.endMs <= last).sort(byEnd), late: late.sort((a, b) => a - b) }
}

/** The sessions of data of which none is late: those of a key in the order of time, apart where a pause lies between them. */
export function sessions(log: readonly Dated[], gapMs: number, latenessMs: number): Expected[] {
  const last = Math.max(Number.NEGATIVE_INFINITY, ...log.map(datum => datum.createdMs)) - latenessMs
  const found: (Expected & { of: number[] })[] = []
  const inOrder = log.map((datum, i) => ({ ...datum, i })).sort((a, b) => a.createdMs - b.createdMs || a.i - b.i)
  for (const key of new Set(log.map(datum => datum.key))) {
    let open: (Expected & { of: number[] }) | undefined
    for (const { n, createdMs } of inOrder.filter(datum => datum.key === key)) {
      if (open === undefined || createdMs >= open.endMs) {
        open = { key, startMs: createdMs, endMs: createdMs + gapMs, of: [n] }
        found.push(open)
      } else {
        open.of.push(n)
        Object.assign(open, { endMs: createdMs + gapMs })
      }
    }
  }
  return found.filter(session => session.endMs <= last).sort(byEnd)
}

/** A pair by the numbers of its two data. */
export type Paired = readonly [left: number, right: number]

/** The pairs of two topics of which no datum is late, ordered by their numbers. */
export function pairs(left: readonly Dated[], right: readonly Dated[], withinMs: number): Paired[] {
  return left.flatMap(l =>
    right.filter(r => r.key === l.key && Math.abs(r.createdMs - l.createdMs) <= withinMs).map(r => [l.n, r.n] as const),
  )
}

export function byEnd(a: Expected, b: Expected): number {
  return a.endMs - b.endMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.startMs - b.startMs
}

/** What a fold is told of a datum that was made when it says that it was created. */
export function at(createdMs: number, madeMs = createdMs) {
  return { id: parseId(mint(madeMs)), idAt: 0, createdMs }
}
