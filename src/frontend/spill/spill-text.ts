import type { SpillStatus } from './spill.ts'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `4.5 MB`: powers of 1,000, as sizes are set. */
export function bytesText(bytes: number): string {
  let unit = 0
  let amount = bytes
  while (amount >= 1_000 && unit < UNITS.length - 1) {
    amount /= 1_000
    unit++
  }
  return `${amount.toLocaleString('en', { maximumFractionDigits: amount < 10 ? 1 : 0 })} ${UNITS[unit]}`
}

/** For health: what is being kept back, how much room it takes, since when, and why; and what is set aside. Undefined where nothing is. */
export function spillText(status: SpillStatus): string | undefined {
  const { refused } = status
  const aside =
    refused === undefined
      ? undefined
      : `data that the stream refuses are set aside in ${refused.path} (${refused.files === 1 ? '1 file' : `${refused.files.toLocaleString('en')} files`})`
  const texts = [waitingText(status), aside].filter(text => text !== undefined)
  return texts.length === 0 ? undefined : texts.join('; ')
}

function waitingText({ state, data, bytes, maxBytes, sinceMs, reason }: SpillStatus): string | undefined {
  if (state === 'direct') return undefined
  const since = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z')
  const what = state === 'handing-over' ? 'draining' : state
  const text = `${what}: ${data.toLocaleString('en')} data (${bytesText(bytes)} of ${bytesText(maxBytes)}) since ${since}`
  return reason === undefined ? text : `${text}; ${reason}`
}
