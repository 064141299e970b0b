import type { Life, Step } from '../../../api/data.ts'
import type { ShownDatum } from '../../../api/topics.ts'

/** A datum of a family, or a place where one was stored. */
export interface Member {
  /** The data_id; of a store the data_id with the agent that put it there. */
  readonly id: string
  readonly datum?: ShownDatum
  readonly stored?: NonNullable<Step['stored']>
  /** The agent that made it or stored it; undefined for what a producer sent. */
  readonly by: string | undefined
  /** Generations after the datum asked for: −1 a parent, 1 a child or a store. */
  readonly generation: number
  readonly x: number
  readonly y: number
}

export interface Lineage {
  readonly members: readonly Member[]
  readonly links: readonly { readonly from: Member; readonly to: Member }[]
  readonly width: number
  readonly height: number
}

export const CARD = { width: 230, height: 58, gap: { x: 70, y: 14 } } as const

/** How many generations each datum is from the one asked for; the nearest way counts. */
export function generationsOf({ data_id, data, links }: Pick<Life, 'data_id' | 'data' | 'links'>): ReadonlyMap<string, number> {
  const generations = new Map([[data_id, 0]])
  const walk = (step: 1 | -1) => {
    let edge = [data_id]
    while (edge.length > 0) {
      const next: string[] = []
      for (const id of edge) {
        for (const { from, to } of links) {
          const [here, there] = step === 1 ? [from, to] : [to, from]
          if (here !== id || generations.has(there)) continue
          generations.set(there, generations.get(id)! + step)
          next.push(there)
        }
      }
      edge = next
    }
  }
  walk(-1)
  walk(1)
  // Relatives by another way, such as a parent's other child.
  for (const { data_id: id } of data) if (!generations.has(id)) generations.set(id, relatedGeneration(id, links, generations))
  return generations
}

function relatedGeneration(id: string, links: Life['links'], generations: ReadonlyMap<string, number>): number {
  for (const { from, to } of links) {
    if (to === id && generations.has(from)) return generations.get(from)! + 1
    if (from === id && generations.has(to)) return generations.get(to)! - 1
  }
  return 0
}

/** A datum's family from left to right, generation by generation, and where it and what was made of it are stored: its ancestors' files are on their pages. */
export function lineageOf(life: Pick<Life, 'data_id' | 'data' | 'links' | 'steps'>): Lineage {
  const generations = generationsOf(life)
  const loose: Omit<Member, 'x' | 'y'>[] = life.data.map(datum => ({
    id: datum.data_id,
    datum,
    by: makerOf(datum.data_id, life.links),
    generation: generations.get(datum.data_id) ?? 0,
  }))
  for (const { data_id, agent, stored } of life.steps) {
    if (stored === null) continue
    loose.push({ id: `${data_id} ${agent}`, stored, by: agent, generation: (generations.get(data_id) ?? 0) + 1 })
  }
  const columns = [...Map.groupBy(loose, member => member.generation)].sort(([a], [b]) => a - b)
  const tallest = Math.max(...columns.map(([, column]) => column.length))
  const height = tallest * (CARD.height + CARD.gap.y)
  const members = columns.flatMap(([, column], at) => {
    const top = (height - column.length * (CARD.height + CARD.gap.y)) / 2
    return column.map((member, i) => ({ ...member, x: at * (CARD.width + CARD.gap.x), y: top + i * (CARD.height + CARD.gap.y) }))
  })
  const byId = new Map(members.map(member => [member.id, member]))
  const links = [
    ...life.links,
    ...life.steps.flatMap(({ data_id, agent, stored }) => (stored === null ? [] : [{ from: data_id, to: `${data_id} ${agent}` }])),
  ].flatMap(({ from, to }) => {
    const [one, other] = [byId.get(from), byId.get(to)]
    return one === undefined || other === undefined ? [] : [{ from: one, to: other }]
  })
  return { members, links, width: columns.length * (CARD.width + CARD.gap.x) - CARD.gap.x, height }
}

/** The agent whose output a datum is; undefined for what a producer sent, and where it is not known. */
export function makerOf(dataId: string, links: Life['links']): string | undefined {
  return links.find(({ to, by }) => to === dataId && by !== null)?.by ?? undefined
}
