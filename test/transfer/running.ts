import { setTimeout as sleep } from 'node:timers/promises'
import { runAgent } from '../../src/agents/runner.ts'
import type { RunningAgent } from '../../src/agents/running.ts'
import { systemClock } from '../../src/clock.ts'
import { type Engine, type EngineView, groupName } from '../../src/engine/engine.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { runStorageAgent } from '../../src/storage/roller.ts'

const LOOK_MS = 10
const DEADLINE_MS = 20_000

/** Every agent of a pipeline at work on an engine, in this thread. */
export interface Running {
  readonly agents: readonly RunningAgent[]
  /** In order, with what is in hand committed. */
  stop(): Promise<void>
  /** Storage agents in order, so that no roll stays open; the others as a crash would. */
  crash(): Promise<void>
}

export function run(pipeline: Pipeline, engine: Engine): Running {
  const context = { engine, clock: systemClock, recorder: silentRecorder }
  const handlers = [...pipeline.agents.values()].flatMap(agent => (agent.kind === 'agent' ? [runAgent(agent, context)] : []))
  const storers = [...pipeline.agents.values()].flatMap(agent =>
    agent.kind === 'agent' ? [] : [runStorageAgent(agent, pipeline, context, { held: () => undefined })],
  )
  return {
    agents: [...handlers, ...storers],
    stop: async () => void (await Promise.all([...handlers, ...storers].map(agent => agent.stop(10_000)))),
    crash: async () => void (await Promise.all([...handlers.map(agent => agent.crash()), ...storers.map(agent => agent.stop(10_000))])),
  }
}

/** @throws after a deadline, naming what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`After ${DEADLINE_MS} ms still not: ${what}`)
    await sleep(LOOK_MS)
  }
}

/** What is not handled yet, over all agents of a pipeline; Infinity where one of them has no place yet. */
export async function behind(view: Pick<EngineView, 'standings'>, { agents }: Pick<Pipeline, 'agents'>): Promise<number> {
  const standings = await view.standings()
  let left = 0
  for (const agent of agents.values()) {
    const own = standings.filter(({ group }) => group === groupName(agent))
    if (agent.from.some(({ name }) => !own.some(({ topic }) => topic === name))) return Number.POSITIVE_INFINITY
    for (const { next, checkpoint } of own) left += next - checkpoint.offset
  }
  return left
}
