/** RFC 3339 in UTC, of data whose times mostly lie in the same second: a tenth of the cost of a Date for each. */
export class Timestamp {
  #second = Number.NaN
  /** Up to and with the point before the milliseconds. */
  #upToSecond = ''

  /** @param ms since 1970 UTC. @throws RangeError where no date has their second */
  of(ms: number): string {
    const whole = Math.trunc(ms)
    const second = Math.floor(whole / 1_000)
    if (second !== this.#second) {
      this.#upToSecond = new Date(second * 1_000).toISOString().slice(0, -'000Z'.length)
      this.#second = second
    }
    const rest = whole - second * 1_000
    return `${this.#upToSecond}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}
