import { parentPort, workerData } from 'node:worker_threads'
import { tryLetter } from '../agents/letter-trial.ts'
import { systemClock } from '../clock.ts'
import { toPortable } from '../errors.ts'
import { decided } from '../versions/decided.ts'
import { loadPipeline } from './load.ts'
import type { FromTrial, TrialData, TrialOutcome } from './trial-messages.ts'

/** The entry of a trial's thread: it loads the pipeline, runs one handler on one datum, and says what came of it. */
const main = parentPort
if (main === null) throw new TypeError('This is the entry of a worker thread.')
const data = workerData as TrialData // what trials.ts put there
const say = (message: FromTrial) => main.postMessage(message)

try {
  const pipeline = decided(await loadPipeline(data.file), data.versions)
  const own = [...pipeline.agents.values()].filter(({ name }) => name === data.agent.name)
  say({ type: 'loaded', timeoutMs: Math.max(0, ...own.map(agent => (agent.kind === 'agent' ? agent.timeoutMs : 0))) })
  say({ type: 'ended', outcome: portable(await tryLetter(pipeline, data, data.frame, systemClock)) })
} catch (error) {
  say({ type: 'ended', outcome: { withoutPast: false, outcome: { kind: 'failure', error: toPortable(error) } } })
}

function portable({ agent, trial, reason = '', withoutPast }: Awaited<ReturnType<typeof tryLetter>>): TrialOutcome {
  const of = { ...(agent === undefined ? {} : { agent }), withoutPast }
  if (trial === undefined) return { ...of, outcome: { kind: 'untried', reason } }
  if (trial.outcome === 'failure') return { ...of, outcome: { kind: 'failure', error: toPortable(trial.error) } }
  return { ...of, outcome: { kind: 'outputs', outputs: trial.outputs } }
}
