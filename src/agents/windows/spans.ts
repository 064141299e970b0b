import type { OpenWindow } from './open-window.ts'
import type { TimeWindow } from './time-window.ts'

/** Where a datum belongs, and the open windows of its key that are there: none yet, one, or the sessions that it makes one of. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
  readonly windows: readonly OpenWindow[]
}

interface Spans {
  readonly open: readonly Span[]
  /** The latest of those that the watermark has closed; undefined where it is late for none. */
  readonly closed: Omit<Span, 'windows'> | undefined
}

/** The windows of a datum of one key. @param known the key's open ones. */
export function spansOf(window: TimeWindow, known: readonly OpenWindow[], createdMs: number, watermarkMs: number): Spans {
  return window.shape === 'session'
    ? sessionOf(window.sizeMs, known, createdMs, watermarkMs)
    : fixedOf(window.sizeMs, window.everyMs, known, createdMs, watermarkMs)
}

/** Those that begin at a multiple of `everyMs` since 1970, earliest first. */
function fixedOf(sizeMs: number, everyMs: number, known: readonly OpenWindow[], createdMs: number, watermarkMs: number): Spans {
  const open: Span[] = []
  let closed: Spans['closed']
  const last = Math.floor(createdMs / everyMs) * everyMs
  const first = (Math.floor((createdMs - sizeMs) / everyMs) + 1) * everyMs
  for (let startMs = first; startMs <= last; startMs += everyMs) {
    const endMs = startMs + sizeMs
    if (endMs <= watermarkMs) closed = { startMs, endMs }
    else open.push({ startMs, endMs, windows: known.filter(window => window.startMs === startMs) })
  }
  return { open, closed }
}

/**
 * A session is [its first datum, its last and the gap). A datum behind the watermark joins the session that is still open around it; where
 * there is none it is late, for the session that it belongs to may have been closed and is not remembered.
 */
function sessionOf(gapMs: number, known: readonly OpenWindow[], createdMs: number, watermarkMs: number): Spans {
  const windows = known.filter(({ startMs, endMs }) => startMs < createdMs + gapMs && createdMs < endMs)
  const span = {
    startMs: Math.min(createdMs, ...windows.map(({ startMs }) => startMs)),
    endMs: Math.max(createdMs + gapMs, ...windows.map(({ endMs }) => endMs)),
  }
  return windows.length === 0 && createdMs < watermarkMs ? { open: [], closed: span } : { open: [{ ...span, windows }], closed: undefined }
}
