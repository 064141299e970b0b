import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { goTo } from '../../router.ts'
import { BoxView } from './boxes.tsx'
import { Chip, Wires } from './edges.tsx'
import { FindBox } from './find.tsx'
import type { Graph } from './graph.ts'
import type { Direction, Layout, Placed } from './layout.ts'
import { neighbourOf } from './neighbour.ts'
import { PanZoom } from './pan-zoom.ts'
import { edgeParts } from './selection.ts'
import { flowHref } from './shape.ts'
import type { Drawn } from './use-layout.ts'
import { fitted, showing } from './viewport.ts'

/** A graph that is larger than the screen begins at a scale at which names can be read. */
const FIRST_SCALE = 0.5
/** What has the focus is shown at least so large. */
const FOCUS_SCALE = 0.75
const STEP = 1.25

/** The graph, to be dragged and zoomed. Boxes and labels are links in the order of the flow; arrow keys go to what is beside. */
export function Canvas({ graph, layouts, selected }: Drawn & { readonly selected: string }) {
  const screen = useRef<HTMLElement>(null)
  const world = useRef<HTMLDivElement>(null)
  const named = useRef(selected)
  named.current = selected
  const panZoom = useRef<PanZoom | undefined>(undefined)
  const [layout, setLayout] = useState(layouts[0]!)
  const sizeOf = () => ({ width: screen.current!.clientWidth, height: screen.current!.clientHeight })
  const showAll = () => {
    if (panZoom.current !== undefined) panZoom.current.view = fitted(layout, sizeOf())
  }

  useLayoutEffect(() => {
    const moving = new PanZoom(screen.current!, world.current!)
    panZoom.current = moving
    return () => moving.close()
  }, [])

  // Of a small graph the direction in which more of it can be read on this screen.
  useLayoutEffect(() => {
    const size = sizeOf()
    setLayout(layouts.reduce((best, each) => (fitted(each, size).scale > fitted(best, size).scale ? each : best)))
  }, [layouts])

  // The first sight of a graph, and of one that has another shape: what the URL names, else as much as can be read. As long as nobody has
  // moved it, it follows the size of the window.
  useLayoutEffect(() => {
    const look = () => {
      const moving = panZoom.current
      if (moving === undefined || moving.isMoved) return
      moving.view = fitted(layout, sizeOf(), FIRST_SCALE)
      const link = linkTo(world.current!, named.current)
      if (link !== null) requestAnimationFrame(() => show(link))
    }
    const sizes = new ResizeObserver(look)
    sizes.observe(screen.current!)
    return () => sizes.disconnect()
  }, [layout])

  const show = (link: HTMLElement, least = 0) => {
    const moving = panZoom.current
    if (moving === undefined) return
    const { view } = moving
    const { left, top } = screen.current!.getBoundingClientRect()
    const rect = link.getBoundingClientRect()
    const at = { x: (rect.left - left - view.x) / view.scale, y: (rect.top - top - view.y) / view.scale }
    moving.view = showing(view, { ...at, width: rect.width / view.scale, height: rect.height / view.scale }, sizeOf(), least)
  }

  const find = (end: string) => {
    const link = linkTo(world.current!, end)
    link?.focus({ preventScroll: true })
    if (link !== null) show(link, FOCUS_SCALE)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const zoom = { '+': STEP, '=': STEP, '-': 1 / STEP }[event.key]
    if (zoom !== undefined) panZoom.current?.zoom(zoom)
    else if (event.key === '0') showAll()
    else if (event.key.startsWith('Arrow')) {
      const links = [...world.current!.querySelectorAll<HTMLElement>('[data-end]')]
      const next = neighbourOf(
        event.key,
        links.map(link => link.getBoundingClientRect()),
        links.indexOf(event.target as HTMLElement),
      )
      if (next !== undefined) links[next]?.focus({ preventScroll: true })
    } else return
    event.preventDefault()
  }

  const onFocus = (event: FocusEvent) => {
    if (event.target instanceof HTMLElement && event.target.matches('[data-end]:focus-visible')) show(event.target, FOCUS_SCALE)
  }

  const onWire = ({ target }: MouseEvent) => {
    const id = target instanceof SVGElement ? target.dataset.edge : undefined
    const edge = graph.edges.find(edge => edge.id === id)
    if (edge !== undefined) goTo(flowHref(edgeParts(edge)))
  }

  return (
    <div class="canvas">
      <div class="tools">
        <FindBox graph={graph} onFound={find} />
        <button type="button" aria-label="Zoom in" onClick={() => panZoom.current?.zoom(STEP)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => panZoom.current?.zoom(1 / STEP)}>
          −
        </button>
        <button type="button" onClick={showAll}>
          Fit
        </button>
      </div>
      <section
        class="screen"
        ref={screen}
        aria-label="The flow as a graph. Arrow keys go to what is beside, + and - zoom, 0 shows all of it."
        onKeyDown={onKeyDown}
        onClick={onWire}
        onFocusIn={onFocus}
      >
        <div
          class="world"
          ref={world}
          data-distance="near"
          data-direction={layout.direction}
          style={{ width: `${layout.width}px`, height: `${layout.height}px` }}
        >
          <Wires edges={graph.edges} layout={layout} selected={selected} />
          <ul>
            {inOrder(graph, layout).map(part =>
              'edge' in part ? (
                <Chip key={part.edge.id} edge={part.edge} wire={layout.wires[part.edge.id]!} isSelected={selected === part.edge.id} />
              ) : (
                <BoxView key={part.box.id} box={part.box} at={layout.boxes[part.box.id]!} selected={selected} />
              ),
            )}
          </ul>
        </div>
      </section>
    </div>
  )
}

function linkTo(world: HTMLElement, end: string): HTMLElement | null {
  return end === '' ? null : world.querySelector<HTMLElement>(`[data-end="${CSS.escape(end)}"]`)
}

/** From left to right as data flow, each box with what leaves it: so the tab key goes, too. */
function inOrder({ boxes, edges }: Graph, { boxes: placed, direction }: Layout) {
  const leaving = Map.groupBy(edges, edge => edge.from.box)
  const sorted = boxes.toSorted((a, b) => before(placed[a.id]!, placed[b.id]!, direction))
  return sorted.flatMap(box => [{ box }, ...(leaving.get(box.id) ?? []).map(edge => ({ edge }))])
}

function before(a: Placed, b: Placed, direction: Direction): number {
  return direction === 'right' ? a.x - b.x || a.y - b.y : a.y - b.y || a.x - b.x
}
