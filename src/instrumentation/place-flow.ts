import type { AnyAgent } from '../pipeline.ts'
import type { AgentFlow, Flow } from './flow.ts'

/** What is done at an agent's place: by the agent, and by the version that gets a share of its keys, whose facts have another name. */
export interface PlaceFlow {
  readonly handledPerSecond: number
  readonly busy: number
  /** Of the version of whose last data more are dead: one that fails all its data is not to be lost in those that the other one does. */
  readonly last: AgentFlow['last']
}

export function placeFlow({ agents }: Flow, agent: AnyAgent): PlaceFlow {
  const versions = [agent.version, ...(agent.kind === 'agent' && agent.ramps !== undefined ? [agent.ramps.agent.version] : [])]
  const flows = versions.flatMap(version => agents.get(`${agent.name}@${version}`) ?? [])
  return {
    handledPerSecond: flows.reduce((sum, { donePerSecond, deadPerSecond }) => sum + donePerSecond + deadPerSecond, 0),
    busy: flows.reduce((sum, { busy }) => sum + busy, 0),
    last: flows.map(({ last }) => last).reduce((one, other) => (deadShare(other) > deadShare(one) ? other : one), { data: 0, dead: 0 }),
  }
}

function deadShare({ data, dead }: AgentFlow['last']): number {
  return data === 0 ? -1 : dead / data
}
