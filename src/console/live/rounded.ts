const DIGITS = 4

/** Four digits of a measured number: what is behind them is noise, and would be sent each second. */
export function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
