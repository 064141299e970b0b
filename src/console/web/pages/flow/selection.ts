import type { Box, Edge, Graph } from './graph.ts'
import { endId } from './graph.ts'

/** What the panel tells of: a box, one version of an agent, or an edge. */
export type Selection =
  | { readonly kind: 'box'; readonly id: string; readonly box: Box; readonly group?: string }
  | { readonly kind: 'edge'; readonly id: string; readonly edge: Edge }

/**
 * What a URL names: `topic:demand` a box, `agent:forecast@2` a version, and both ends one after the other the edge between them.
 * @returns undefined where there is no such part of the graph.
 */
export function selectionOf(parts: readonly string[], { boxes, edges }: Graph): Selection | undefined {
  const id = parts.join('/')
  const edge = edges.find(edge => edge.id === id)
  if (edge !== undefined) return { kind: 'edge', id, edge }
  for (const box of boxes) {
    if (box.id === id) return { kind: 'box', id, box, ...(box.groups[0] === undefined ? {} : { group: box.groups[0] }) }
    const group = box.groups.find(group => endId({ box: box.id, group }) === id)
    if (group !== undefined) return { kind: 'box', id, box, group }
  }
  return undefined
}

/** An edge's id in the parts of its URL. A store's name may have slashes in it. */
export function edgeParts({ from, to }: Edge): readonly string[] {
  return [endId(from), endId(to)]
}
