interface Rect {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** How much more it counts to be aside than to be far ahead; and what is further aside than so many times ahead is in another direction. */
const ASIDE = 3
const MOST_ASIDE = 2

/** What lies next in the direction of an arrow key. @returns its place in `rects`; undefined where there is nothing. */
export function neighbourOf(key: string, rects: readonly Rect[], from: number): number | undefined {
  const here = rects[from]
  if (here === undefined) return undefined
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0]
  let best: { readonly at: number; readonly distance: number } | undefined
  for (const [at, rect] of rects.entries()) {
    const x = middle(rect.left, rect.width) - middle(here.left, here.width)
    const y = middle(rect.top, rect.height) - middle(here.top, here.height)
    const ahead = x * dx! + y * dy!
    const aside = Math.abs(x * dy!) + Math.abs(y * dx!)
    if (at === from || ahead <= 1 || aside > ahead * MOST_ASIDE) continue
    const distance = ahead + aside * ASIDE
    if (best === undefined || distance < best.distance) best = { at, distance }
  }
  return best?.at
}

function middle(start: number, length: number): number {
  return start + length / 2
}
