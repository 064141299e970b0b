import { join, resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { startOps } from '../console/index.ts'
import { openEmbedded } from '../engine/embedded/index.ts'
import { startFrontEnd } from '../frontend/front-end.ts'
import { createHealth } from '../instrumentation/health.ts'
import { createInstruments } from '../instrumentation/instruments.ts'
import type { Pipeline } from '../pipeline.ts'
import { Closers } from './closers.ts'
import { type Config, engineOptions } from './config.ts'
import { agentPart, FRONT_END, followFrontEnd, reportAgents } from './health.ts'
import { loadPipeline } from './load.ts'
import { type Log, silentLog } from './log.ts'
import { reloadOnChange } from './reload.ts'
import { removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts'
import { Supervisor } from './supervisor.ts'
import { topicSpecs } from './topics.ts'

export interface RunOptions {
  /** The user's file whose default export is the pipeline. */
  readonly file: string
  readonly config: Config
  /** Reload the files when they change. */
  readonly dev?: boolean
  readonly log?: Log
}

/** A pipeline at work: all six parts in this process. */
export interface Running {
  readonly urls: { readonly listen: string; readonly ops: string }
  /** The graph that runs now; another after a reload. */
  pipeline(): Pipeline
  /** Resolves with the reason when it cannot go on and has to be stopped. */
  readonly failed: Promise<Error>
  /** Answers what was asked, commits what is in hand, lets go of everything. Within 10 s. */
  stop(): Promise<void>
}

/** How long a stop may take, in milliseconds: together below the 10 s that an orchestrator waits before it kills. */
const ANSWER_MS = 2_000
const DRAIN_MS = 5_000

/**
 * Runs a pipeline on the embedded engine: the stream first and the door last, so that nothing is accepted before it can be kept
 * and handled; stopped the other way round.
 * @throws what loadPipeline throws; DATA_DIRECTORY_LOCKED, TOPIC_MISMATCH; a listener's address in use (CONFIG_INVALID).
 */
export async function runPipeline(options: RunOptions): Promise<Running> {
  const { config, log = silentLog } = options
  const file = resolve(options.file)
  const startedMs = systemClock.now()
  const closers = new Closers()
  try {
    let pipeline = await loadPipeline(file)
    const health = createHealth(['engine', FRONT_END, ...[...pipeline.agents.keys()].map(agentPart)])

    const engine = await openEmbedded(engineOptions(config))
    closers.add('engine', () => engine.close())
    await engine.ensure(topicSpecs(pipeline))
    health.up('engine')

    const instruments = createInstruments({
      engine,
      clock: systemClock,
      directory: config.data,
      onError: error => log.warn(`The engine could not be measured: ${String(error)}`),
    })
    closers.add('instruments', () => instruments.close())
    instruments.use(pipeline)

    const fatal = Promise.withResolvers<Error>()
    const supervisor = new Supervisor({
      fatal: fatal.resolve,
      directory: config.data,
      connect: () => engine.connect(),
      recorder: instruments,
      clock: systemClock,
      threadBytes: config.threadBytes,
      report: reportAgents(health, log),
    })
    closers.add('agents', () => supervisor.stop(DRAIN_MS))
    await supervisor.exchange(file, pipeline, DRAIN_MS)

    const ops = await startOps({
      engine,
      pipeline,
      instruments,
      health,
      address: config.ops,
      clock: systemClock,
      log,
      ...(config.page === undefined ? {} : { pageDirectory: config.page }),
    })
    closers.add('operators', () => ops.close())
    const frontEnd = await startFrontEnd({
      pipeline,
      stream: engine,
      clock: systemClock,
      recorder: instruments,
      keysFile: join(config.data, 'keys.json'),
      listen: config.listen,
      limits: config.limits,
      report: (what, error) => log.error(`${what}: ${error instanceof Error ? error.message : String(error)}`),
    })
    closers.add('front end', () => frontEnd.close(ANSWER_MS))
    closers.add('front end’s health', followFrontEnd(frontEnd, health, systemClock))

    const use = (next: Pipeline) => {
      pipeline = next
      frontEnd.use(next)
      ops.use(next)
      instruments.use(next)
    }
    if (options.dev === true) {
      const reloading = reloadOnChange({ file, engine, supervisor, use, log })
      closers.add('reloading', () => reloading.close())
    }

    const urls = { listen: frontEnd.url, ops: ops.url }
    writeRuntimeFile(config.data, { pid: process.pid, ...urls, pipeline: pipeline.name, file, startedMs })
    closers.add('runtime.json', () => removeRuntimeFile(config.data))
    return {
      urls,
      pipeline: () => pipeline,
      failed: Promise.race([engine.failed, fatal.promise]).then(reason => {
        health.fail(reason.message)
        return reason
      }),
      stop() {
        health.stopping()
        return closers.close()
      },
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
