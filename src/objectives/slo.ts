import { type Duration, durationMs } from '../duration.ts'
import { MillraceError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import type { AnyAgent } from '../pipeline.ts'
import type { StorageAgent } from '../storage/storage.ts'
import type { Topic } from '../stream/topic.ts'
import { wayOf } from './way.ts'

/** An objective for a path: of what comes of the data of `from`, a `share` is to be at `to` within a time. */
export interface SloOptions {
  /** Where producers send: time counts from when a datum was accepted. */
  readonly from: Topic
  /** A topic, which counts when it is appended there, or a storage agent, which counts when it is durable there: itself or its name. */
  readonly to: string | Topic | StorageAgent
  readonly within: Duration
  /** Between 0 and 1, such as 0.99. */
  readonly share: number
}

/** A checked objective. */
export interface Slo {
  /** Tells it from the pipeline's others: `demand → dispatch within 2s`. */
  readonly id: string
  /** `demand → dispatch` */
  readonly name: string
  readonly from: string
  readonly to: { readonly kind: 'topic' | 'storage-agent'; readonly name: string }
  /** As people wrote it, with its unit. */
  readonly within: string
  readonly withinMs: number
  readonly share: number
}

/** What there is in a pipeline, as if every shadow were promoted. */
export interface Graph {
  readonly agents: readonly AnyAgent[]
  readonly topics: ReadonlyMap<string, Topic>
}

/** Checks a pipeline's objectives. @throws GRAPH_INVALID naming what is wrong; TypeError for what is no duration. */
export function checkSlos(pipeline: string, declared: SloOptions | readonly SloOptions[] | undefined, graph: Graph): readonly Slo[] {
  const slos = (isList(declared) ? declared : declared === undefined ? [] : [declared]).map(slo => checkSlo(pipeline, slo, graph))
  const twice = slos.find((slo, i) => slos.findIndex(other => other.id === slo.id) < i)
  if (twice !== undefined) throw invalid(`The slo ${twice.id} is there twice.`, 'Give the second another time, or drop it.')
  return slos
}

function checkSlo(pipeline: string, slo: SloOptions, graph: Graph): Slo {
  const { from, to, within, share } = slo
  if (from?.kind !== 'topic')
    throw invalid(
      `An slo of pipeline('${pipeline}') is of something that is not a topic.`,
      'Name the topic that producers send to: from: demand.',
    )
  const target = targetOf(from.name, to, graph)
  const name = `${from.name} → ${target.name}`
  const say = `The slo ${name}`
  checkOptions(say, slo, ['from', 'to', 'within', 'share'])
  if (graph.topics.get(from.name) !== from)
    throw invalid(`${say} begins at a topic that is not in the pipeline.`, `Let an agent read '${from.name}', or name another topic.`)
  const writer = graph.agents.find(agent => agent.kind === 'agent' && agent.to.some(each => each === from))
  if (writer !== undefined)
    throw invalid(
      `${say} begins at a topic that ${writer.name}@${writer.version} writes: time counts from when a producer’s datum was accepted.`,
      'Name the topic that producers send to.',
    )
  if (typeof share !== 'number' || !(share > 0 && share < 1))
    throw invalid(`${say} has a share of ${share}; it must be between 0 and 1.`, 'Write 0.99 where 99 of 100 are to be there in time.')
  const withinMs = durationMs(within, `${say} within`)
  if (withinMs === 0) throw invalid(`${say} leaves no time: within is ${within}.`, "Give it some: within: '2s'.")
  if (wayOf({ from: from.name, to: target }, graph.agents).last.size === 0)
    throw invalid(
      `${say} has no path: nothing that comes of '${from.name}' gets to ${target.kind} '${target.name}'.`,
      'Name another topic or storage agent.',
    )
  const text = typeof within === 'number' ? `${within}ms` : within.replaceAll(' ', '')
  return { id: `${name} within ${text}`, name, from: from.name, to: target, within: text, withinMs, share }
}

function targetOf(from: string, to: SloOptions['to'], { agents, topics }: Graph): Slo['to'] {
  const name = typeof to === 'string' ? to : to?.name
  const say = `The slo ${from} → ${name}`
  const isTopic = topics.has(name)
  const named = agents.filter(agent => agent.name === name)
  const isStore = named.some(agent => agent.kind === 'storage-agent')
  if (typeof to === 'object') {
    if (to?.kind === 'topic' && topics.get(name) === to) return { kind: 'topic', name }
    if (to?.kind === 'storage-agent' && isStore) return { kind: 'storage-agent', name }
  } else if (isTopic && isStore)
    throw invalid(`${say} could mean the topic '${name}' or the storage agent '${name}'.`, 'Give it the one that you mean: to: dispatch.')
  else if (isTopic) return { kind: 'topic', name }
  else if (isStore) return { kind: 'storage-agent', name }
  if (named.length > 0)
    throw invalid(`${say} ends at an agent, which keeps nothing.`, 'Name the topic that the agent writes, or a storage agent.')
  throw invalid(
    `${say} ends at '${name}', which is neither a topic nor a storage agent of the pipeline.`,
    `There are ${[...topics.keys(), ...agents.filter(agent => agent.kind === 'storage-agent').map(agent => agent.name)].filter(each => !each.startsWith('_')).join(', ')}.`,
  )
}

function isList(declared: SloOptions | readonly SloOptions[] | undefined): declared is readonly SloOptions[] {
  return Array.isArray(declared)
}

function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', what, { fix })
}
