import type { Clock } from '../clock.ts'
import type { Pipeline } from '../pipeline.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { StoredLetter } from './dead-letter.ts'
import { dryRun, type Trial } from './dry-run.ts'
import { folds } from './fold.ts'

/** What came of trying a letter's datum. */
export interface LetterTrial {
  /** Who was tried: the agent whose letter it is, or the version that has its place by now. Undefined: the pipeline has neither. */
  readonly agent?: AgentVersion
  /** Undefined: it cannot be tried here, and `reason` says why. */
  readonly trial?: Trial
  readonly reason?: string
  /** The agent has a window or a state, and was tried with the datum alone. */
  readonly withoutPast: boolean
}

/** Tries a pipeline's handler on the datum of a letter, here and now; see {@link dryRun}. @param frame the datum; undefined where it has expired. */
export async function tryLetter(
  pipeline: Pipeline,
  letter: Pick<StoredLetter, 'agent' | 'topic'>,
  frame: Uint8Array | undefined,
  clock: Clock,
): Promise<LetterTrial> {
  const agent = handlerOf(pipeline, letter.agent)
  if (agent === undefined)
    return { reason: `the pipeline has no ${letter.agent.name}@${letter.agent.version}, nor one that replaces it`, withoutPast: false }
  const { name, version } = agent
  const of = { agent: { name, version }, withoutPast: agent.kind === 'agent' && folds(agent) }
  if (agent.kind === 'storage-agent') return { ...of, reason: 'it is a storage agent, which has no handler' }
  if (agent.handler === undefined) return { ...of, reason: 'its handler is a program of its own' }
  if (frame === undefined) return { ...of, reason: 'its datum has expired' }
  return { ...of, trial: await dryRun(agent, frame, letter.topic, clock) }
}

function handlerOf(pipeline: Pipeline, agent: AgentVersion) {
  const all = [...pipeline.agents.values()].filter(({ name }) => name === agent.name)
  let holder = all.find(({ version }) => version === agent.version)
  // A version replaces an earlier one, so this ends.
  for (let next = all.find(({ replaces }) => replaces === agent.version); next !== undefined; ) {
    const { version } = next
    holder = next
    next = all.find(({ replaces }) => replaces === version)
  }
  return holder
}
