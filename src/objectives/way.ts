import { isShadow } from '../agents/shadow.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import type { Slo } from './slo.ts'

/** By which agents what comes of a topic gets to an objective's end. */
export interface Way {
  /** By name@version, the topics that each of them reads on the way. */
  readonly through: ReadonlyMap<string, ReadonlySet<string>>
  /** Those of them that are the last: they append to the topic, or store. */
  readonly last: ReadonlySet<string>
}

/**
 * Every way from a topic to an objective's end, whichever agents it takes. Shadows are on none: what they write is apart. A version that is
 * replaced on a share of its keys is one with the version that gets that.
 */
export function wayOf({ from, to }: Pick<Slo, 'from' | 'to'>, agents: Iterable<AnyAgent>): Way {
  const isOnTheWay = (topic: string) => to.kind !== 'topic' || topic !== to.name
  const live = [...agents].filter(agent => !isShadow(agent.name))
  // What comes of it by way of the end itself has been there.
  const reached = closure([from], topics => live.flatMap(agent => (reads(agent, topics) ? targetsOf(agent).filter(isOnTheWay) : [])))
  const isLast = (agent: AnyAgent) =>
    to.kind === 'storage-agent' ? agent.kind === 'storage-agent' && agent.name === to.name : targetsOf(agent).includes(to.name)
  const last = live.filter(agent => isLast(agent) && reads(agent, reached))
  const leading = closure(
    last.flatMap(agent => topicsOf(agent).filter(topic => reached.has(topic))),
    topics => live.flatMap(agent => (writes(agent, topics) ? topicsOf(agent).filter(topic => reached.has(topic)) : [])),
  )
  const onTheWay = live.filter(agent => reads(agent, leading) && (last.includes(agent) || writes(agent, leading)))
  return {
    through: new Map(onTheWay.map(agent => [idOf(agent), new Set(topicsOf(agent).filter(topic => leading.has(topic)))])),
    last: new Set(last.map(idOf)),
  }
}

/** At the end of which objectives an agent is, and the topics whose data it brings there. */
export interface Ending {
  readonly slo: Slo
  readonly topics: ReadonlySet<string>
}

/** What a pipeline's agents have to tell of, by name@version; those that are at no objective's end are not in it. */
export function endingsOf({ slos, agents }: Pick<Pipeline, 'slos' | 'agents'>): ReadonlyMap<string, readonly Ending[]> {
  const endings = new Map<string, Ending[]>()
  for (const slo of slos) {
    const { last, through } = wayOf(slo, agents.values())
    for (const id of last) endings.set(id, [...(endings.get(id) ?? []), { slo, topics: through.get(id) ?? new Set() }])
  }
  return endings
}

function idOf({ name, version }: AnyAgent): string {
  return `${name}@${version}`
}

function topicsOf(agent: AnyAgent): readonly string[] {
  return agent.from.map(topic => topic.name)
}

function targetsOf(agent: AnyAgent): readonly string[] {
  return agent.kind === 'agent' ? agent.to.flatMap(to => (to.kind === 'topic' ? [to.name] : [])) : []
}

function reads(agent: AnyAgent, topics: ReadonlySet<string>): boolean {
  return topicsOf(agent).some(topic => topics.has(topic))
}

function writes(agent: AnyAgent, topics: ReadonlySet<string>): boolean {
  return targetsOf(agent).some(topic => topics.has(topic))
}

/** What is got by taking steps until there are no new ones. */
function closure(start: readonly string[], step: (known: ReadonlySet<string>) => readonly string[]): ReadonlySet<string> {
  const known = new Set(start)
  for (let size = 0; size < known.size; ) {
    size = known.size
    for (const next of step(known)) known.add(next)
  }
  return known
}
