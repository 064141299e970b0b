import type { AgentVersion } from '../trace/trace.ts'
import type { Agent, Target } from './agent.ts'

const PREFIX = '_shadow.'
/** What a shadow writes is there to be compared, not to be kept. A cache has no age: it has one value a key, as the live one has. */
const KEPT_MS = 86_400_000

/**
 * The agent that runs where a shadow is declared. In the engine it is another agent, by its name: its place, its marks, its dead letters and its
 * outputs' ids have nothing to do with the live versions', so that a mark of the shadow never makes the version skip that it becomes.
 */
export function shadowOf(agent: Agent): Agent {
  return { ...agent, name: PREFIX + agent.name, to: agent.to.map(target => apart(agent, target)) }
}

/** What gathers for shadows alone, under its own name, for nobody else has it: its readers get what they read, and the rest is apart. */
export function shadowGatherer(own: Agent, between: Target): Agent {
  return { ...own, to: own.to.map(target => (target === between ? target : apart(own, target))) }
}

/** What an agent is called in the engine, by the name that it was declared under. */
export function shadowName(name: string): string {
  return PREFIX + name
}

export function isShadow(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** The name that an agent was declared under. */
export function liveName(name: string): string {
  return isShadow(name) ? name.slice(PREFIX.length) : name
}

/** Where a shadow's outputs for a topic or a cache of that name are. */
export function shadowTarget({ name, version }: AgentVersion, target: string): string {
  return `${PREFIX}${name}@${version}.${target}`
}

/** An agent as people know it: `forecast@2`, or `forecast@2 (shadow)`. */
export function shownAgent({ name, version }: AgentVersion): string {
  return `${liveName(name)}@${version}${isShadow(name) ? ' (shadow)' : ''}`
}

function apart(agent: AgentVersion, target: Target): Target {
  const name = shadowTarget(agent, target.name)
  if (target.kind === 'cache') return { ...target, name }
  return { ...target, name, spec: { ...target.spec, name, retentionMs: Math.min(target.spec.retentionMs, KEPT_MS) } }
}
