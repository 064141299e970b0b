export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

export function rateText(count: number): string {
  return count.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

export function percentText(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** 42 s, 3 min, 5 h. */
export function spanText(ms: number): string {
  if (ms < 120_000) return `${Math.floor(ms / 1_000)} s`
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min`
  return `${Math.floor(ms / 3_600_000)} h`
}
