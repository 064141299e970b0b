/** A length of time as people write it: `'250ms'`, `'5s'`, `'1m'`, `'24h'`, `'7d'`; a number in code is milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`
/** A size as people write it: `'64kB'`, `'10MB'`, `'2GB'` (powers of 1,000); a bare number is bytes. */
export type ByteSize = number | `${number}${'B' | 'kB' | 'MB' | 'GB' | 'TB'}`

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = { '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const

/**
 * Milliseconds. A text without a unit is no duration, but for `'0'`: whoever types `--expires 30` means days or minutes, and would get a key that is
 * over before it can be copied. @throws TypeError that names `what` when the text is not a duration.
 */
export function durationMs(value: Duration | string, what: string): number {
  return parse(value === '0' ? 0 : value, MS, what, "a duration such as '250ms', '5s', '1m', '24h' or '7d'")
}

/** Bytes. @throws TypeError that names `what` when the text is not a size. */
export function byteSize(value: ByteSize | string, what: string): number {
  return parse(value, BYTES, what, "a size such as '64kB', '10MB' or '2GB'")
}

function parse(value: number | string, units: Readonly<Record<string, number>>, what: string, expected: string): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([a-zA-Z]*)$/.exec(value.trim()) : undefined
  const amount = typeof value === 'number' ? value : match ? Number(match[1]) * (units[match[2] as string] ?? Number.NaN) : Number.NaN
  if (!Number.isFinite(amount) || amount < 0) throw new TypeError(`${what} is ${JSON.stringify(value)}; it must be ${expected}.`)
  return amount
}
