import { AgentPage } from './agent.tsx'
import { AgentsView } from './agents.tsx'

/** All agents by how they are, or one with its versions side by side. */
export function AgentsPage({ rest }: { readonly rest: readonly string[] }) {
  const [name] = rest
  return name === undefined ? <AgentsView /> : <AgentPage key={name} name={name} />
}
