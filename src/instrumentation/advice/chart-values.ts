import type { PartitionLoad } from '../partition-loads.ts'

/** Of an agent that is to have more replicas. */
export interface AgentScaling {
  /** `forecast@2` */
  readonly agent: string
  readonly partitions: readonly PartitionLoad[]
  readonly min: number
  readonly max: number
  /** Data a second that one replica does when it is busy. */
  readonly capacityPerSecond: number
}

/**
 * Values for the Helm chart (`helm upgrade … -f`), which make a Deployment of its own for the agent and a KEDA ScaledObject that scales that by
 * lag: what a replica does, which the chart asks for, has been measured here.
 */
export function agentValues({ agent, partitions, min, max, capacityPerSecond }: AgentScaling): string {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  // Millrace's own topics, such as that of replays, are read beside: they say nothing of how many replicas it takes.
  const read = [...topics].filter(([topic]) => !topic.startsWith('_'))
  const capacity = Math.max(1, Math.round(capacityPerSecond))
  return [
    '# Values of the Helm chart. A list replaces the one before it: add this entry to yours, and no other entry may run the agent.',
    'keda: { enabled: true }',
    'agents:',
    `  - name: ${entryName(agent)}`,
    `    agents: ["${agent}"]`,
    `    replicas: { min: ${min}, max: ${max} }`,
    '    reads:',
    ...read.map(([topic, all]) => `      - { agent: "${agent}", topic: "${topic}", partitions: ${all.length}, capacity: ${capacity} }`),
    '',
  ].join('\n')
}

/** The same for front ends, which a HorizontalPodAutoscaler scales by their CPU. */
export function frontEndValues(min: number): string {
  return [
    '# Values of the Helm chart.',
    'frontend:',
    `  autoscaling: { enabled: true, min: ${min}, max: ${Math.max(10, min * 2)} }`,
    '',
  ].join('\n')
}

/** Kubernetes takes lower-case letters, digits and hyphens in a name. */
function entryName(agent: string): string {
  return agent
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 20)
}
