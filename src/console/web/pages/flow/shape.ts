import { computed } from '@preact/signals'
import { overview } from '../../live/overview.ts'
import { hrefTo, query } from '../../router.ts'
import { type Graph, graphOf, sameGraph } from './graph.ts'

/** Whether versions that have ended are shown, too. */
export const showsEnded = computed(() => query.value.get('ended') === 'shown')
export const view = computed(() => (query.value.get('view') === 'table' ? 'table' : 'graph'))

let last: Graph | undefined

/** The graph of what is declared: the same object for as long as its shape is the same, whatever flows in it. */
export const shape = computed(() => {
  const now = overview.value
  if (now === undefined) return undefined
  const graph = graphOf(now, showsEnded.value)
  if (last === undefined || !sameGraph(last, graph)) last = graph
  return last
})

/** What the query says of how the graph is shown: the same for hundreds of links. */
const kept = computed(() => `?${query.value}`.replace(/^\?$/, ''))

/** A link to a part of the graph, which stays as it is shown. */
export function flowHref(parts: readonly string[], changes?: Readonly<Record<string, string>>): string {
  if (changes === undefined) return hrefTo(['flow', ...parts]) + kept.value
  const search = { ...Object.fromEntries(query.value), ...changes }
  return hrefTo(['flow', ...parts], Object.fromEntries(Object.entries(search).filter(([, value]) => value !== '')))
}
