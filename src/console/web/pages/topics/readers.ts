import type { Overview, Reading } from '../../../api/overview.ts'
import { shownGroup } from '../../parts/agent-names.ts'

export interface Reader {
  readonly group: string
  readonly agent: string
  readonly shown: string
  readonly reading: Reading
}

/** Which agents write a topic, and which read it and how far they are. Versions that have ended do neither. */
export function readersOf(topic: string, { agents }: Pick<Overview, 'agents'>): { readonly writers: string[]; readonly readers: Reader[] } {
  const working = Object.entries(agents).filter(([, { state }]) => !['removed', 'replaced', 'decommissioned', 'promoted'].includes(state))
  const writers = working.filter(([, { to }]) => to.some(({ kind, name }) => kind === 'topic' && name === topic))
  const readers = working.flatMap(([group, { agent, from }]) => {
    const reading = from[topic]
    return reading === undefined ? [] : [{ group, agent, shown: shownGroup(group).shown, reading }]
  })
  return { writers: writers.map(([group]) => shownGroup(group).shown), readers }
}
