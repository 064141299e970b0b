/** @throws TypeError unless `count` is a whole number from 1 to `most`. */
export function checkCount(say: string, count: number, most: number): number {
  if (!Number.isSafeInteger(count) || count < 1 || count > most)
    throw new TypeError(`${say} is ${JSON.stringify(count)}: it must be a whole number from 1 to ${most}.`)
  return count
}
