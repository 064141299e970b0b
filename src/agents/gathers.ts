import type { AgentVersion } from '../trace/trace.ts'

/** What gathers for another agent is called `<agent>.<part>`, and writes to `_<part>.<agent>@<version>`. */
const PARTS = ['windows', 'sides', 'pairs']

/** The agent that Millrace's own `agent` gathers windows or pairs for; undefined where it is somebody's. @param topics all there are. */
export function gathersFor({ name, version }: AgentVersion, topics: ReadonlySet<string>): string | undefined {
  const part = PARTS.find(part => name.endsWith(`.${part}`))
  if (part === undefined) return undefined
  const agent = name.slice(0, -part.length - 1)
  // Anybody may call an agent so; who has such an agent and windows under one version, has no topic of his own that is called like this.
  return topics.has(`_${part}.${agent}@${version}`) ? agent : undefined
}

/** Why data are not replayed to what gathers for an agent, and what to do. */
export function whyNoReplay({ name, version }: AgentVersion, agent: string): { readonly what: string; readonly fix: string } {
  return {
    what: `${name}@${version} gathers for ${agent}: what it makes is of its topics' own log, where each datum stands once. Given again, each would be late.`,
    fix: `Replay what it has made to the agent itself: millrace replay ${agent} --from … For other windows of the same data give them a new version.`,
  }
}
