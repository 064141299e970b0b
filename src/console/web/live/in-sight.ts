/** Of the document, what says whether anybody sees it. */
export interface Seen extends EventTarget {
  readonly hidden: boolean
}

/**
 * Runs what holds a connection while the page is in sight, and a while longer. A browser has six connections to one listener for all of its tabs:
 * those in the background would leave none for the one that is looked at, and everything in it would wait.
 * @param start answers what ends it; it is called again when the page is seen again. @returns what ends it for good.
 */
export function whileInSight(page: Seen, longerMs: number, start: () => () => void): () => void {
  let stop: (() => void) | undefined
  let leaving: ReturnType<typeof setTimeout> | undefined
  const end = () => {
    clearTimeout(leaving)
    stop?.()
    stop = undefined
  }
  const look = () => {
    clearTimeout(leaving)
    if (page.hidden) leaving = setTimeout(end, longerMs)
    else stop ??= start()
  }
  page.addEventListener('visibilitychange', look)
  look()
  return () => {
    page.removeEventListener('visibilitychange', look)
    end()
  }
}
