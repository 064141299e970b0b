import { Worker } from 'node:worker_threads'
import { MillraceError, toPortable } from '../errors.ts'
import { compiledFor } from './compile-cache.ts'
import type { FromTrial, TrialData, TrialOutcome } from './trial-messages.ts'

/** At once: each is a thread that loads the user's code. */
const MOST = 2
const LOAD_TIMEOUT_MS = 60_000
/** Beyond the agent's timeout, which a handler that waits is told by itself. */
const GRACE_MS = 1_000

export interface TrialsOptions {
  readonly directory: string
  /** The most that a thread's heap may hold. */
  readonly threadBytes: number
}

/**
 * Tries handlers on data in threads of their own, which end with the trial: whatever the user's code does, to spin or to end its process, it does
 * to that thread alone, and neither to the agent's nor to the main one.
 */
export class Trials {
  readonly #options: TrialsOptions
  readonly #running = new Set<Worker>()

  constructor(options: TrialsOptions) {
    this.#options = options
  }

  /** @throws OVERLOADED where several are under way. */
  async try(data: TrialData): Promise<TrialOutcome> {
    if (this.#running.size >= MOST)
      throw new MillraceError('OVERLOADED', `${this.#running.size} trials are under way.`, { fix: 'Ask again when they have ended.' })
    const { directory, threadBytes } = this.#options
    const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './trial-thread.ts' : './trial-thread.js', import.meta.url), {
      name: `trial of ${data.agent.name}@${data.agent.version}`,
      workerData: data,
      env: compiledFor(directory),
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(threadBytes / 1e6) },
    })
    this.#running.add(worker)
    try {
      return await outcomeOf(worker)
    } finally {
      this.#running.delete(worker)
      await worker.terminate()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map(worker => worker.terminate()))
  }
}

function outcomeOf(worker: Worker): Promise<TrialOutcome> {
  return new Promise(resolve => {
    const fail = (error: unknown) => {
      clearTimeout(timer)
      resolve({ withoutPast: false, outcome: { kind: 'failure', error: toPortable(error) } })
    }
    const late = (what: string, ms: number) =>
      setTimeout(() => fail(new MillraceError('HANDLER_TIMEOUT', `${what} after ${ms} ms, and its thread was ended.`)), ms)
    let timer = late('The pipeline had not loaded', LOAD_TIMEOUT_MS)
    worker.on('message', (message: FromTrial) => {
      clearTimeout(timer)
      if (message.type === 'loaded') timer = late('The handler was not done', message.timeoutMs + GRACE_MS)
      else resolve(message.outcome)
    })
    worker.on('error', fail)
    // After an outcome this changes nothing.
    worker.on('exit', () => fail(new MillraceError('AGENT_CRASHED', 'The handler ended its thread.')))
  })
}
