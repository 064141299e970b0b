import { distanceOf, type View, zoomedAt } from './viewport.ts'

/** A drag begins after so many pixels: until then it is a click. */
const DRAG_PX = 4
const WHEEL_STEP = 0.0015
const SETTLED_MS = 150

/**
 * Moves and zooms `world` within `screen` by pointers and wheel. It is the element's transform alone that changes, once a frame: nothing is
 * drawn anew for it, however many boxes there are.
 */
export class PanZoom {
  readonly #screen: HTMLElement
  readonly #world: HTMLElement
  readonly #ending = new AbortController()
  readonly #pointers = new Map<number, { x: number; y: number }>()
  #view: View = { x: 0, y: 0, scale: 1 }
  #frame = 0
  #settling = 0
  #travelled = 0
  #isMoved = false

  constructor(screen: HTMLElement, world: HTMLElement) {
    this.#screen = screen
    this.#world = world
    const { signal } = this.#ending
    screen.addEventListener('wheel', event => this.#onWheel(event), { signal, passive: false })
    screen.addEventListener('pointerdown', event => this.#onDown(event), { signal })
    screen.addEventListener('pointermove', event => this.#onMove(event), { signal })
    for (const end of ['pointerup', 'pointercancel'] as const) screen.addEventListener(end, event => this.#onUp(event), { signal })
    // A drag that ends on a box does not open it.
    const stopAfterDrag = (event: MouseEvent) => {
      const isByKeyboard = event.detail === 0
      if (isByKeyboard || this.#travelled < DRAG_PX) return
      event.preventDefault()
      event.stopPropagation()
    }
    screen.addEventListener('click', stopAfterDrag, { signal, capture: true })
    screen.addEventListener('dragstart', event => event.preventDefault(), { signal })
    // The browser scrolls what has the focus into view by itself; here the world is moved instead.
    screen.addEventListener('scroll', () => screen.scrollTo(0, 0), { signal })
  }

  get view(): View {
    return this.#view
  }

  /** Whether a person has moved it: then it stays where it is. */
  get isMoved(): boolean {
    return this.#isMoved
  }

  set view(view: View) {
    const isZoomed = view.scale !== this.#view.scale
    this.#view = view
    this.#frame ||= requestAnimationFrame(() => this.#draw())
    if (!isZoomed) return
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#sharpen(), SETTLED_MS)
  }

  /** @param at in pixels of the screen; its middle otherwise. */
  zoom(factor: number, at = { x: this.#screen.clientWidth / 2, y: this.#screen.clientHeight / 2 }): void {
    this.#isMoved = true
    this.view = zoomedAt(this.#view, factor, at)
  }

  close(): void {
    this.#ending.abort()
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#settling)
  }

  #draw(): void {
    this.#frame = 0
    const { x, y, scale } = this.#view
    this.#world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`
    const distance = distanceOf(scale)
    if (this.#world.dataset.distance !== distance) this.#world.dataset.distance = distance
  }

  /** A layer of its own is moved without being drawn, and keeps the resolution that it was made in: made again, letters are sharp. */
  #sharpen(): void {
    this.#world.style.willChange = 'auto'
    requestAnimationFrame(() => {
      this.#world.style.willChange = ''
    })
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault()
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
    this.zoom(Math.exp(-event.deltaY * lines * WHEEL_STEP), this.#within(event))
  }

  #onDown(event: PointerEvent): void {
    if (event.button !== 0) return
    this.#travelled = 0
    this.#pointers.set(event.pointerId, this.#within(event))
  }

  #onMove(event: PointerEvent): void {
    const last = this.#pointers.get(event.pointerId)
    if (last === undefined) return
    const now = this.#within(event)
    this.#travelled += Math.abs(now.x - last.x) + Math.abs(now.y - last.y)
    if (this.#travelled < DRAG_PX) return
    this.#isMoved = true
    this.#screen.setPointerCapture(event.pointerId)
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1]
    this.#pointers.set(event.pointerId, now)
    if (other === undefined) {
      this.view = { ...this.#view, x: this.#view.x + now.x - last.x, y: this.#view.y + now.y - last.y }
    } else {
      // Two fingers: as far as they part.
      this.zoom(apart(now, other) / Math.max(1, apart(last, other)), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 })
    }
  }

  #onUp(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId)
  }

  #within({ clientX, clientY }: MouseEvent): { x: number; y: number } {
    const { left, top } = this.#screen.getBoundingClientRect()
    return { x: clientX - left, y: clientY - top }
  }
}

function apart(one: { readonly x: number; readonly y: number }, other: { readonly x: number; readonly y: number }): number {
  return Math.hypot(one.x - other.x, one.y - other.y)
}
