import { usage } from './command.ts'

/** `100/s` or `100`: data a second. */
export function parseRate(text: string): number {
  const perSecond = Number(/^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text)?.[1])
  if (perSecond > 0) return perSecond
  throw usage(`--rate is ${JSON.stringify(text)}.`, "It must be how many a second, such as '100/s'.")
}
