import { parentPort, workerData } from 'node:worker_threads'
import { Progress } from '../agents/progress.ts'
import { type RunningHandler, runAgent } from '../agents/runner.ts'
import type { RunContext, RunningAgent } from '../agents/running.ts'
import { systemClock } from '../clock.ts'
import { isDamaged } from '../engine/embedded/sqlite-error.ts'
import { MillraceError, toPortable } from '../errors.ts'
import { canaryRoutes } from '../objectives/canary.ts'
import { endingsOf } from '../objectives/way.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import { runStorageAgent } from '../storage/roller.ts'
import { decided } from '../versions/decided.ts'
import { serveDesk } from './attach/desk-port.ts'
import { openInThread } from './engines.ts'
import { LineLimit } from './line-limit.ts'
import { loadPipeline } from './load.ts'
import { recordThrough } from './port-recorder.ts'
import type { FromThread, HeldPart, ThreadData, ToThread } from './thread-messages.ts'

/** The entry of an agent's thread: load → ready → begin → work → stop. All that the user wrote for the agent runs here and nowhere else. */
const main = parentPort
if (main === null) throw new TypeError('This is the entry of a worker thread.')
const data = workerData as ThreadData // what thread.ts put there
const say = (message: FromThread) => main.postMessage(message)
const told = Promise.withResolvers<{ readonly graceMs: number }>()
const begun = Promise.withResolvers<void>()
/** Once it runs, where it has handlers. */
let handler: RunningHandler | undefined
/** What its programs write. */
const written = new LineLimit(systemClock, line => say({ type: 'log', line }))
let { suspects } = data
let programs: number | undefined
main.on('message', (message: ToThread) => {
  if (message.type === 'begin') begun.resolve()
  else if (message.type === 'stop') told.resolve(message)
  else if (message.type === 'scale') {
    programs = message.programs
    handler?.scale(programs)
  } else {
    suspects = message.suspects
    handler?.suspect(suspects)
  }
})

try {
  const pipeline = decided(await loadPipeline(data.file), data.versions)
  const agent = agentOf(pipeline)
  const engine = await openInThread(data.engine, systemClock, error => hold('trace', error?.message))
  say({ type: 'ready' })
  const stop = await Promise.race([begun.promise, told.promise])
  if (stop === undefined) {
    const recorder = recordThrough(facts => say({ type: 'facts', facts }))
    const running = run(agent, pipeline, {
      engine,
      clock: systemClock,
      recorder,
      endings: endingsOf(pipeline),
      routes: canaryRoutes(pipeline),
    })
    void told.promise.then(({ graceMs }) => running.stop(graceMs))
    await running.ended
    recorder.flush()
  }
  await engine.close()
  say({ type: 'stopped' })
} catch (error) {
  say({ type: 'failed', error: toPortable(isDamaged(error) ? engineFailed(error) : error) })
}

function hold(part: HeldPart, reason: string | undefined): void {
  say(reason === undefined ? { type: 'held', part } : { type: 'held', part, reason })
}

function agentOf(pipeline: Pipeline): AnyAgent {
  const agent = pipeline.agents.get(data.agent)
  if (agent !== undefined) return agent
  throw new MillraceError('AGENT_UNKNOWN', `${data.file} declares no agent ${data.agent}.`, {
    fix: `It declares ${[...pipeline.agents.keys()].join(', ')}: was the file changed while it ran?`,
  })
}

function run(agent: AnyAgent, pipeline: Pipeline, context: RunContext): RunningAgent {
  if (agent.kind === 'storage-agent') return runStorageAgent(agent, pipeline, context, { held: error => hold('store', error?.message) })
  const { desk: port } = data
  handler = runAgent(agent, context, {
    progress: new Progress(data.progress),
    suspects,
    crashNote: data.crashNote,
    held: hold,
    log: line => written.line(line),
    ...(port === undefined ? {} : { attach: desk => serveDesk(desk, port) }),
  })
  if (programs !== undefined) handler.scale(programs)
  return handler
}

/** One agent's reader has found the damage; what the others and the front end do with that file is no safer. */
function engineFailed(cause: unknown): MillraceError {
  return new MillraceError(
    'ENGINE_FAILED',
    `The database${data.engine.kind === 'embedded' ? ` in ${data.engine.directory}` : ''} is damaged: ${cause instanceof Error ? cause.message : cause}.`,
    {
      fix: 'Check the disk; restore the data directory from a copy.',
      cause,
    },
  )
}
