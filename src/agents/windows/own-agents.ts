import { MillraceError } from '../../errors.ts'
import type { AnyAgent } from '../../pipeline.ts'
import type { Agent } from '../agent.ts'
import { joinAgents } from './join-agents.ts'
import { windowAgents } from './window-agent.ts'

/** The agents of Millrace's own that gather for an agent, and what they were made of. */
interface Gathering {
  readonly of: readonly unknown[]
  readonly by: Agent
  readonly from: Agent['from']
}

/**
 * The agents with those put in that their time windows and joins are made of. Versions of an agent share them, so that one that replaces
 * another goes on with the windows that are open and with those that are not handled yet.
 * @throws GRAPH_INVALID where two versions would share what is not the same.
 */
export function withOwnAgents(agents: readonly AnyAgent[]): readonly AnyAgent[] {
  const gatherings = new Map<string, Gathering>()
  return agents.flatMap(agent => {
    // What is no agent at all is said by whoever checks them.
    if (agent?.kind !== 'agent' || agent.gather === undefined) return [agent]
    const { gather } = agent
    const made = gather.kind === 'join' ? joinAgents(agent, gather) : windowAgents(agent, gather)
    // Both give the user's own last.
    const users = made.at(-1)!
    const of = gather.kind === 'join' ? [gather] : [gather, agent.by, agent.state, ...agent.from]
    const name = `${agent.name}@${gather.version}`
    const known = gatherings.get(name)
    if (known === undefined) {
      gatherings.set(name, { of, by: agent, from: users.from })
      return made
    }
    if (known.of.length !== of.length || known.of.some((part, i) => part !== of[i])) throw differing(known.by, agent)
    return [{ ...users, from: known.from }]
  })
}

function differing(one: Agent, other: Agent): MillraceError {
  const [what, make] = one.gather?.kind === 'join' ? ['join', 'join(…, { … })'] : ['windows', "tumbling('1h', …)"]
  return new MillraceError(
    'GRAPH_INVALID',
    `The agents '${one.name}@${one.version}' and '${other.name}@${other.version}' share their ${what}, and these are not the same.`,
    {
      fix: `Declare ${what === 'join' ? 'it' : "their 'window', 'by' and 'state'"} once and share the constants, or give the newer one a version of its own: version: 2 in ${make}.`,
    },
  )
}
