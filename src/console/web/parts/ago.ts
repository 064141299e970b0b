const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** How long ago, as one says it: `just now`, `40 s ago`, `3 min ago`, `in 5 d`. */
export function agoText(ms: number): string {
  const away = Math.abs(ms)
  if (away < 5_000) return 'just now'
  const length = lengthText(away)
  return ms < 0 ? `in ${length}` : `${length} ago`
}

function lengthText(ms: number): string {
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`
  if (ms < 90 * MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`
  if (ms < 48 * HOUR_MS) return `${Math.round(ms / HOUR_MS)} h`
  return `${Math.round(ms / DAY_MS)} d`
}
