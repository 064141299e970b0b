import { exactBytes } from './exact-json.ts'
import type { OpenWindow } from './open-window.ts'

/** A window beside its key and what it holds. The ids of those that keep a state are bounded by their number, and not counted. */
const AROUND_WINDOW_BYTES = 130

/** What a window of a key takes beside what it holds. */
export function aroundBytes(key: string): number {
  // It is the datum's key on the stream, and in its text.
  return AROUND_WINDOW_BYTES + 2 * Buffer.byteLength(key)
}

/** A window as it would be put out, about. */
export function wholeBytes({ key, bytes }: OpenWindow): number {
  return aroundBytes(key) + bytes
}

/** By how much the window's next state is larger: measured at the first datum, the second, the fourth and so on, so that it costs little for each. */
export function grownBytes(known: OpenWindow | undefined, state: unknown): number {
  const count = (known?.count ?? 0) + 1
  const isMeasured = (count & (count - 1)) === 0
  return isMeasured ? exactBytes(state) - (known?.bytes ?? 0) : 0
}
