const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/**
 * Milliseconds since 1970 UTC of an RFC 3339 time with any offset, finer fractions cut off; undefined where it is not one.
 * Stricter than Date.parse, which takes a date without an offset for local time and so means another instant on each machine.
 */
export function parseTime(text: string): number | undefined {
  const m = RFC_3339.exec(text)
  if (m === null) return undefined
  const [year, month, day, hour, minute, second] = [Number(m[1]), Number(m[2]), Number(m[3]), Number(m[4]), Number(m[5]), Number(m[6])]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  // Second 60 is a leap second (RFC 3339 §5.6): it counts as the first instant of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  const offsetHours = Number(m[9] ?? 0)
  const offsetMinutes = Number(m[10] ?? 0)
  if (offsetHours > 23 || offsetMinutes > 59) return undefined
  const ms = Math.floor(Number((m[7] ?? '0').padEnd(9, '0')) / 1_000_000)
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000 * (m[8] === '-' ? -1 : 1)
  const date = new Date(0)
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, ms)
  return date.getTime() - offsetMs
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
