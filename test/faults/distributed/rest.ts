import type { EngineView } from '../../../src/engine/engine.ts'
import type { Pipeline } from '../../../src/pipeline.ts'

/** How many data wait in a front end's spill, by its metrics. */
export async function spilledBy(operators: string): Promise<number> {
  const metrics = await (await fetch(`${operators}/metrics`)).text()
  const found = /^millrace_frontend_spill_data(?:\{[^}]*\})? (\d+)/m.exec(metrics)
  return found === null ? 0 : Number(found[1])
}

/** What agents have before them still, each place as a sentence. A group that has no place yet has everything before it. */
export async function unhandled(view: Pick<EngineView, 'standings' | 'bounds'>, pipeline: Pipeline): Promise<string[]> {
  const committed = new Map(
    (await view.standings()).map(({ group, topic, partition, checkpoint }) => [`${group} ${topic}/${partition}`, checkpoint.offset]),
  )
  const left: string[] = []
  const topics = new Set([...pipeline.agents.values()].flatMap(agent => agent.from.map(topic => topic.name)))
  for (const topic of topics) {
    const bounds = await view.bounds(topic)
    for (const [id, agent] of pipeline.agents) {
      if (!agent.from.some(({ name }) => name === topic)) continue
      for (const [partition, { first, next }] of bounds.entries()) {
        const offset = committed.get(`${id} ${topic}/${partition}`) ?? first
        if (offset < next) left.push(`${id} is at ${topic}/${partition}/${offset}, and ${next - offset} data are before it`)
      }
    }
  }
  return left
}
