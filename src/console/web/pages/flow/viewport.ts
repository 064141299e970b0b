/** Where the world is seen: `x`, `y` in pixels of the screen, and how large. */
export interface View {
  readonly x: number
  readonly y: number
  readonly scale: number
}

export const LEAST_SCALE = 0.1
export const MOST_SCALE = 2
/** Below these scales boxes say less, in larger letters. */
const DISTANCES = { near: 0.85, middle: 0.6, far: 0.36 } as const

export type Distance = keyof typeof DISTANCES | 'farthest'

export function distanceOf(scale: number): Distance {
  if (scale >= DISTANCES.near) return 'near'
  if (scale >= DISTANCES.middle) return 'middle'
  return scale >= DISTANCES.far ? 'far' : 'farthest'
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Zooms so that what is at a point of the screen stays there. */
export function zoomedAt(view: View, factor: number, at: { readonly x: number; readonly y: number }): View {
  const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, view.scale * factor))
  const by = scale / view.scale
  return { x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, scale }
}

/** All of the world in the middle, no larger than life. @param least the smallest scale; where it is too large, the left and upper edge are seen. */
export function fitted(world: Size, screen: Size, least = LEAST_SCALE): View {
  const scale = Math.max(least, Math.min(1, screen.width / world.width, screen.height / world.height))
  const middle = (of: number, within: number) => (of * scale > within ? 0 : (within - of * scale) / 2)
  return { x: middle(world.width, screen.width), y: middle(world.height, screen.height), scale }
}

const MARGIN = 24

/** Moves so far that a box of the world is seen whole; as it is where it is already. @param least zooms in to this scale where it is smaller. */
export function showing(view: View, box: Size & { readonly x: number; readonly y: number }, screen: Size, least: number): View {
  const scale = Math.max(view.scale, least)
  const near = scale === view.scale ? view : { ...zoomedAt(view, scale / view.scale, { x: screen.width / 2, y: screen.height / 2 }) }
  const moved = (at: number, from: number, length: number, within: number) => {
    const start = from * scale + at
    const end = start + length * scale
    if (start < MARGIN || length * scale > within) return at + MARGIN - start
    return end > within - MARGIN ? at + within - MARGIN - end : at
  }
  return { x: moved(near.x, box.x, box.width, screen.width), y: moved(near.y, box.y, box.height, screen.height), scale }
}
