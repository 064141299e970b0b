import type { Pipeline } from '../pipeline.ts'

/** Shares of keys that were decided, and are others than the file has: in a sentence each, for whoever changes the file and sees nothing happen. */
export function overruled({ agents, declared }: Pipeline): readonly string[] {
  return [...agents.values()].flatMap(agent => {
    if (agent.kind !== 'agent' || agent.ramps === undefined) return []
    const { name, version } = agent.ramps.agent
    const file = declared.agents.find(each => each.name === name && each.version === version)
    const [share, ramp] = [agent.ramps.share, file?.kind === 'agent' ? file.ramp : undefined]
    if (ramp === undefined || ramp === share) return []
    return [
      `${name}@${version} gets ${percent(share)} of the keys, as was decided: the ramp in the pipeline file, ${percent(ramp)}, no longer counts. To change it: millrace ramp ${name}@${version} ${ramp}.`,
    ]
  })
}

function percent(share: number): string {
  return `${Math.round(share * 100_000) / 1_000} %`
}
