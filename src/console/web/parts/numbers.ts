/** Made once: a page with hundreds of numbers a second would else spend its time making them. */
const FORMATS = [0, 1, 2].map(maximumFractionDigits => new Intl.NumberFormat('en', { maximumFractionDigits }))

/** `12,345`, `3.1`, `0.04`: as many digits as say something. */
export function countText(count: number): string {
  return FORMATS[count >= 100 ? 0 : count >= 1 ? 1 : 2]!.format(count)
}

export function perSecondText(perSecond: number): string {
  return `${countText(perSecond)}/s`
}

/** A length of time in the unit that suits it: `0.4 ms`, `42 s`, `3 min`, `2.5 h`. */
export function secondsText(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds < 1) return `${countText(seconds * 1_000)} ms`
  if (seconds < 120) return `${countText(seconds)} s`
  if (seconds < 7_200) return `${countText(seconds / 60)} min`
  if (seconds < 172_800) return `${countText(seconds / 3_600)} h`
  return `${countText(seconds / 86_400)} d`
}

export function percentText(share: number | null): string {
  return share === null ? '–' : `${FORMATS[share > 0.99 && share < 1 ? 2 : 1]!.format(share * 100)} %`
}

/** `10:02:31`, with the date where it is not today. */
export function timeText(time: string): string {
  const at = new Date(time)
  const clock = at.toLocaleTimeString('en-GB')
  return at.toDateString() === new Date().toDateString() ? clock : `${at.toISOString().slice(0, 10)} ${clock}`
}

/** `512 B`, `4.2 MB`: powers of ten, as disks have them. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${countText(bytes / 1_000 ** unit)} ${units[unit]}`
}
