import { systemClock } from '../clock.ts'
import { agentsToJson, topicsToJson } from '../console/overview.ts'
import { FlowMeter } from '../instrumentation/flow.ts'
import { Sampler } from '../instrumentation/sampler.ts'
import type { Shared } from './command.ts'
import { askOperators, operatorsOf } from './operators.ts'
import { configOf, withView } from './view.ts'

/** `GET /v1/topics` and `GET /v1/agents` of the running process; without one, the same shape from the data directory, at rest. */
export interface Overview<Answer> {
  readonly running: boolean
  /** Where it is not a running process that answers. */
  readonly source?: keyof typeof NOTICES
  readonly answer: Answer
}

/** What of a topic is drawn. */
export interface TopicsAnswer {
  readonly topics: readonly {
    readonly topic: string
    readonly internal: boolean
    readonly partitions: readonly { readonly partition: number; readonly first: number; readonly next: number }[]
    readonly appended: number
    readonly retained: number
    readonly in_per_second: number
    readonly retention_seconds: number
    readonly written_by: readonly string[]
    readonly read_by: readonly string[]
  }[]
}

/** What of an agent is drawn. */
export interface AgentsAnswer {
  readonly agents: readonly {
    readonly agent: string
    readonly version: number
    readonly shadow?: boolean
    readonly ramp?: number
    readonly state: string
    readonly reason?: string
    /** Null where no process says how it is. */
    readonly diagnosis: { readonly state: string; readonly words: string; readonly stack?: string } | null
    readonly replicas: { readonly of: string; readonly wanted: number; readonly threads: number } | null
    readonly from: readonly string[]
    readonly done: number
    readonly dead: number
    readonly lag: number
    readonly lag_seconds: number
    readonly handled_per_second: number
    readonly dead_per_second: number
    readonly retries_per_second: number
    readonly handler_seconds: { readonly p50: number | null; readonly p99: number | null }
    readonly busy: number
    readonly letters_expired: number
  }[]
}

export async function topicsNow(options: Shared): Promise<Overview<TopicsAnswer>> {
  // Our own API on either way: docs/instrumentation.md.
  const { answer, ...how } = await ask(options, '/v1/topics', topicsToJson)
  return { ...how, answer: answer as TopicsAnswer }
}

export async function agentsNow(options: Shared): Promise<Overview<AgentsAnswer>> {
  const { answer, ...how } = await ask(options, '/v1/agents', agentsToJson)
  const found = answer as AgentsAnswer // as above
  if (how.running) return { ...how, answer: found }
  // Nobody says which of them the pipeline still declares.
  const state = how.source === 'shared' ? 'elsewhere' : 'stopped'
  const agents = found.agents.map(agent => (agent.state === 'removed' ? { ...agent, state } : agent))
  return { ...how, answer: { ...found, agents } }
}

async function ask(options: Shared, path: string, toJson: typeof agentsToJson): Promise<Overview<unknown>> {
  const config = await configOf(options)
  const operators = config.connections === undefined ? operatorsOf(config.data) : undefined
  if (operators !== undefined) return { running: true, answer: await askOperators(operators, path) }
  const answer = await withView(options, async view => {
    const sample = await new Sampler(view, systemClock).sample(0)
    // On a shared stream to count them is to read them all.
    const letters = path === '/v1/agents' ? await view.letters.counts() : []
    return toJson({
      letters,
      sample,
      flow: new FlowMeter().read(sample.atMs),
      health: { ok: false, reasons: [], parts: [] },
      pipeline: undefined,
    })
  })
  return { running: false, source: config.connections === undefined ? 'at rest' : 'shared', answer }
}

/** What people are told of a source. */
export const NOTICES = {
  'at rest': 'No process runs: this is how it stands on disk.',
  shared: 'This is how it stands in the stream. States, rates and times are with the processes: ask their operators’ listeners.',
} as const
