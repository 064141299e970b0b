import { shadowName } from '../agents/shadow.ts'
import { type AnyAgent, type Pipeline, pipeline } from '../pipeline.ts'
import { isOver, successorOf, type Versions } from './fold.ts'

/**
 * The graph that runs: the declared one with what was decided since. It is made as if the file had been changed so, by the same checks; but topics
 * stay, and who may send to them, for an agent that is decommissioned must not close a topic to its producers.
 * @throws GRAPH_INVALID where the declaration and a decision exclude each other.
 */
export function decided(declared: Pipeline, versions: Versions): Pipeline {
  const before = declared.declared.agents
  const agents = before.flatMap(agent => {
    const now = ramped(promoted(agent, versions), versions)
    return isReplaced(agent, before, versions) || isOver(versions.ended, groupOf(now)) ? [] : [now]
  })
  if (agents.length === before.length && agents.every((agent, i) => agent === before[i])) return declared
  // Those of Millrace's own are made anew, with the agents that write them.
  const topics = [...declared.topics.values()].filter(({ name }) => !name.startsWith('_'))
  const running = pipeline(declared.name, { agents, topics })
  // An objective whose path a decision has cut off is kept: that it is not met is what it is for.
  const { slos, canaryMs } = declared
  const entries = running.entries.filter(topic => declared.entries.includes(topic))
  return { ...running, entries, slos, canaryMs, declared: declared.declared }
}

function promoted(agent: AnyAgent, versions: Versions): AnyAgent {
  const promotion = versions.promoted.get(`${agent.name}@${agent.version}`)
  if (promotion === undefined || agent.kind !== 'agent') return agent
  if (!agent.shadow && agent.replaces === promotion.replaces) return agent
  return { ...agent, shadow: false, replaces: promotion.replaces }
}

function ramped(agent: AnyAgent, { shares }: Versions): AnyAgent {
  const share = shares.get(`${agent.name}@${agent.version}`)
  return share === undefined || agent.kind !== 'agent' || agent.ramp === undefined || agent.ramp === share
    ? agent
    : { ...agent, ramp: share }
}

/** Only where a version that came after it is declared, too: with a file that has not got it yet, nobody would do the work. */
function isReplaced(agent: AnyAgent, all: readonly AnyAgent[], versions: Versions): boolean {
  if (agent.kind === 'agent' && agent.shadow && !versions.promoted.has(`${agent.name}@${agent.version}`)) return false
  const { name } = agent
  for (let next = successorOf(versions, name, agent.version); next !== undefined; next = successorOf(versions, name, next)) {
    const successor = next
    if (all.some(other => other.name === name && other.version === successor)) return true
  }
  return false
}

function groupOf(agent: AnyAgent): string {
  const name = `${agent.name}@${agent.version}`
  return agent.kind === 'agent' && agent.shadow ? shadowName(name) : name
}
