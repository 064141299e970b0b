import { Graph as Dagre, type EdgeLabel, type GraphLabel, type NodeLabel, layout as place } from '@dagrejs/dagre'
import type { Box, Edge, End, Graph } from './graph.ts'

/** Pixels at scale 1. The style sheet draws boxes in these sizes. */
export const SIZES = {
  width: { producers: 150, topic: 196, cache: 196, store: 196, version: 220 },
  /** A topic, a cache, a store, the producers. */
  height: 50,
  /** An agent's name; below it each version. */
  head: 30,
  version: 50,
  /** What an edge says of its rate; to an agent also of what waits. */
  chip: { rate: 72, reading: 112, height: 36 },
} as const

const GAP = { boxes: 24, edges: 12, ranks: { right: 16, down: 26 }, margin: 20 }
/** From so many edges on the ranking that is best for small graphs takes longer, and gives a larger one. */
const MANY_EDGES = 400

/** Data flow to the right, versions above each other; or downward, versions side by side. */
export type Direction = 'right' | 'down'

export interface Placed {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Wire {
  /** An SVG path from a version, or another box, to the next. */
  readonly path: string
  /** The middle of its label. */
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly direction: Direction
  readonly width: number
  readonly height: number
  /** By box, its upper left corner. */
  readonly boxes: Readonly<Record<string, Placed>>
  readonly wires: Readonly<Record<string, Wire>>
}

interface Point {
  readonly x: number
  readonly y: number
}

/** Small graphs in both directions, so that the page may take the one that fits its screen; a large one fits none. */
export function layoutsOf(graph: Graph): Layout[] {
  const right = layoutOf(graph, 'right')
  return graph.edges.length > MANY_EDGES ? [right] : [right, layoutOf(graph, 'down')]
}

/** Places a graph. Takes seconds for hundreds of agents: not to be called where a page is drawn. */
export function layoutOf(graph: Graph, direction: Direction): Layout {
  const dagre = new Dagre<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: true })
  dagre.setGraph({
    rankdir: direction === 'right' ? 'LR' : 'TB',
    nodesep: GAP.boxes,
    edgesep: GAP.edges,
    ranksep: GAP.ranks[direction],
    marginx: GAP.margin,
    marginy: GAP.margin,
    ranker: graph.edges.length > MANY_EDGES ? 'tight-tree' : 'network-simplex',
  })
  for (const box of graph.boxes) dagre.setNode(box.id, sizeOf(box, direction))
  for (const edge of graph.edges) dagre.setEdge(edge.from.box, edge.to.box, { ...chipSize(edge), labelpos: 'c' }, edge.id)
  place(dagre)

  const boxes: Record<string, Placed> = {}
  for (const { id } of graph.boxes) {
    const { x = 0, y = 0, width, height } = dagre.node(id)
    boxes[id] = { x: x - width / 2, y: y - height / 2, width, height }
  }
  const byId = new Map(graph.boxes.map(box => [box.id, box]))
  const wires: Record<string, Wire> = {}
  for (const { id, from, to } of graph.edges) {
    const { points = [], x = 0, y = 0 } = dagre.edge(from.box, to.box, id)
    const inner = points.slice(1, -1)
    const port = (end: End, towards: Point) => portOf(boxes[end.box]!, shareOf(byId.get(end.box), end), direction, towards)
    const start = port(from, inner[0] ?? points.at(-1)!)
    const end = port(to, inner.at(-1) ?? points[0]!)
    wires[id] = { path: curve([start, ...inner, end], direction), x: Math.round(x), y: Math.round(y) }
  }
  const { width = 0, height = 0 } = dagre.graph()
  return { direction, width, height, boxes, wires }
}

export function chipSize({ kind }: Edge): { readonly width: number; readonly height: number } {
  return { width: kind === 'reads' ? SIZES.chip.reading : SIZES.chip.rate, height: SIZES.chip.height }
}

function sizeOf({ kind, groups }: Box, direction: Direction): { width: number; height: number } {
  if (kind !== 'agent') return { width: SIZES.width[kind], height: SIZES.height }
  const [across, down] = direction === 'right' ? [1, groups.length] : [groups.length, 1]
  return { width: SIZES.width.version * across, height: SIZES.head + SIZES.version * down }
}

/** Where along its box a version is: 0 the first edge, 1 the last. */
function shareOf(box: Box | undefined, { group }: End): number {
  return box === undefined || group === undefined ? 0.5 : (box.groups.indexOf(group) + 0.5) / box.groups.length
}

/** Data leave at the far side and come in at the near one, but where a cycle leads back. */
function portOf({ x, y, width, height }: Placed, share: number, direction: Direction, towards: Point): Point {
  if (direction === 'down') return { x: x + width * share, y: towards.y >= y + height / 2 ? y + height : y }
  const head = height > SIZES.height ? SIZES.head : 0
  return { x: towards.x >= x + width / 2 ? x + width : x, y: y + head + (height - head) * share }
}

/** Through all points, along the flow at each: edges side by side stay apart. */
function curve([first, ...rest]: readonly Point[], direction: Direction): string {
  let path = `M${round(first!)}`
  let last = first!
  for (const next of rest) {
    const middle = direction === 'right' ? (last.x + next.x) / 2 : (last.y + next.y) / 2
    const [one, other] =
      direction === 'right'
        ? [
            { x: middle, y: last.y },
            { x: middle, y: next.y },
          ]
        : [
            { x: last.x, y: middle },
            { x: next.x, y: middle },
          ]
    path += `C${round(one!)} ${round(other!)} ${round(next)}`
    last = next
  }
  return path
}

function round({ x, y }: Point): string {
  return `${Math.round(x)},${Math.round(y)}`
}
