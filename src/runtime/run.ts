import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { sendCanaries } from '../agents/canary/sender.ts'
import { systemClock } from '../clock.ts'
import { compareVersions } from '../compare/compare.ts'
import { comparisonToJson } from '../compare/json.ts'
import { checkAccess, startOps } from '../console/index.ts'
import { makeDataDirectory } from '../engine/embedded/data-directory.ts'
import { createHealth } from '../instrumentation/health.ts'
import { createInstruments } from '../instrumentation/instruments.ts'
import { type Pipeline, versionsOf } from '../pipeline.ts'
import type { TopicSpec } from '../stream/stream.ts'
import { VERSIONS } from '../versions/decision.ts'
import { fitting } from '../versions/fitting.ts'
import { VersionLog } from '../versions/log.ts'
import { AgentLogs } from './agent-logs.ts'
import { openAttach } from './attach/listener.ts'
import { checkStores } from './check-stores.ts'
import { Closers } from './closers.ts'
import { sharingCompiled } from './compile-cache.ts'
import type { Config } from './config.ts'
import { shownUrl } from './connections.ts'
import { type Held, openEngine } from './engines.ts'
import { openExports, openTracer } from './exports.ts'
import { type FrontDoor, openFrontDoor } from './front-door.ts'
import { Graph } from './graph.ts'
import { agentPart, FRONT_END, followFrontEnd, reportAgents } from './health.ts'
import { keepLetterRetention } from './letter-retention.ts'
import { loadPipeline } from './load.ts'
import { type Log, silentLog } from './log.ts'
import { packageVersion } from './package-version.ts'
import { reloadOnChange } from './reload.ts'
import { checkOnly, runsAgent } from './roles.ts'
import { removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts'
import { Scaler } from './scaler.ts'
import { Supervisor } from './supervisor.ts'
import { topicSpecs } from './topics.ts'
import { Trials } from './trials.ts'
import { unreplaced } from './unreplaced.ts'

export interface RunOptions {
  /** The user's file whose default export is the pipeline. */
  readonly file: string
  readonly config: Config
  /** Reload the files when they change. */
  readonly dev?: boolean
  readonly log?: Log
  /** Told the pipeline's name, as soon as it is known. */
  readonly named?: (pipeline: string) => void
}

/** A pipeline at work, as much of it as this process has to do. */
export interface Running {
  /** `listen` where the front end is here. */
  readonly urls: {
    readonly listen?: string
    readonly ops: string
    /** Where workers attach, when an attached agent runs here. */
    readonly attach?: string
  }
  /** The graph that runs now; another after a reload. */
  pipeline(): Pipeline
  /** Resolves with the reason when it cannot go on and has to be stopped. */
  readonly failed: Promise<Error>
  /** Answers what was asked, commits what is in hand, lets go of everything. Within 10 s. */
  stop(): Promise<void>
}

const PASS_BYTES = 32
/** How long workers' requests that are in hand may take when everything else has stopped. */
const WORKERS_MS = 500
/** How long agents may take to commit what is in hand: with the front end's answers below the 10 s that an orchestrator waits before it kills. */
const DRAIN_MS = 5_000

/**
 * Runs a pipeline, or this process's part of it: the stream first and the door last, so that nothing is accepted before it can be kept
 * and handled; stopped the other way round.
 * @throws what loadPipeline throws; what openEngine throws; TOPIC_MISMATCH; a listener's address in use (CONFIG_INVALID); what a store says
 *   that cannot be used.
 */
export async function runPipeline(options: RunOptions): Promise<Running> {
  const { config } = options
  const logs = new AgentLogs(systemClock)
  const log = logs.listening(options.log ?? silentLog)
  const { runs } = config
  const file = resolve(options.file)
  const startedMs = systemClock.now()
  const closers = new Closers()
  try {
    makeDataDirectory(config.data)
    await checkAccess({ access: config.opsAccess, address: config.ops, clock: systemClock })
    const declared = await sharingCompiled(config.data, () => loadPipeline(file))
    options.named?.(declared.name)
    checkOnly(runs, declared.agents.values())

    const { engine, forThread, failed } = await openEngine(config, declared.name, reportTrace(log), text => log.warn(text))
    closers.add('engine', () => engine.close())
    await engine.ensure([VERSIONS])
    const decisions = new VersionLog(engine)
    const versions = await decisions.read()
    const { running: pipeline } = fitting(declared, versions)
    // One that is paused is as if it were another's to run: its store may be the very reason.
    const works = (id: string) => !versions.paused.has(id)
    const own = [...pipeline.agents].filter(([id, agent]) => runsAgent(runs, agent) && works(id))
    await checkStores(
      own.map(([, agent]) => agent),
      systemClock,
      log,
    )
    await engine.ensure(topicSpecs(pipeline))
    const hasFrontEnd = runs.roles.has('frontend')
    const health = createHealth(['engine', ...(hasFrontEnd ? [FRONT_END] : []), ...own.map(([id]) => agentPart(id))])
    health.up('engine')

    const exports = await openExports(config.exports, { pipeline: pipeline.name, roles: [...runs.roles], log })
    const instruments = createInstruments({
      exporting: exports.exporting,
      engine,
      clock: systemClock,
      directory: config.data,
      onError: error => log.warn(`The engine could not be measured: ${String(error)}`, undefined, error),
    })
    closers.add('instruments', () => instruments.close())
    instruments.use(pipeline)
    const tracer = hasFrontEnd
      ? openTracer(exports, config.exports.tracesPerSecond, { engine, instruments, clock: systemClock })
      : undefined
    if (tracer !== undefined) closers.add('traces', () => tracer.close())
    tracer?.use(pipeline)
    if (config.letterRetentionMs !== undefined) {
      const expired = instruments.lettersExpired
      closers.add(
        'letters’ retention',
        keepLetterRetention({ engine, clock: systemClock, retentionMs: config.letterRetentionMs, expired, log }),
      )
    }

    // Closed after the agents have stopped: what workers have in hand is to be finished, too.
    const attach = openAttach(config, systemClock, log)
    closers.add('workers', () => attach.close(WORKERS_MS))
    await attach.use(pipeline)

    const fatal = Promise.withResolvers<Error>()
    const supervisor = new Supervisor(
      {
        fatal: fatal.resolve,
        directory: config.data,
        connect: forThread,
        recorder: instruments,
        clock: systemClock,
        threadBytes: config.threadBytes,
        versions: () => graph.versions,
        report: reportAgents(health, log),
        desks: attach.desks,
        log,
      },
      agent => runsAgent(runs, agent),
    )
    let door: FrontDoor | undefined
    const ensure = async (topics: readonly TopicSpec[]) => {
      await engine.ensure(topics)
      await door?.ensure(topics)
    }
    const use = async (next: Pipeline) => {
      await attach.use(next).catch((error: Error) => log.error(error.message, undefined, error))
      door?.frontEnd.use(next)
      ops.use(next)
      logs.keep(new Set(versionsOf(next).keys()))
      instruments.use(next)
      tracer?.use(next)
    }
    const graph: Graph = new Graph(declared, versions, {
      ...{ file, engine, decisions, supervisor, ensure, use, log },
      clock: systemClock,
      drainMs: DRAIN_MS,
    })
    closers.add('agents', () => supervisor.stop(DRAIN_MS))
    instruments.watch(agent => supervisor.facts(agent))
    for (const text of unreplaced(pipeline, await engine.standings())) log.warn(text)
    await supervisor.exchange(file, pipeline, DRAIN_MS, undefined, undefined, works)
    const scaler = new Scaler({ ...instruments, agents: () => supervisor.agents, clock: systemClock, log })
    closers.add('scaling', () => scaler.close())

    // Whoever may read the data directory may do everything without asking: its programs need no log-in of their own.
    const pass = randomBytes(PASS_BYTES).toString('base64url')
    const trials = new Trials({ directory: config.data, threadBytes: config.threadBytes })
    closers.add('trials', () => trials.close())
    const ops = await startOps({
      engine,
      pipeline,
      decide: (wish, by) => graph.decide(wish, by),
      compare: async (agents, asked) => comparisonToJson(await compareVersions(engine, agents, asked)),
      runsHere: agent => runsAgent(runs, agent),
      instruments,
      health,
      address: config.ops,
      access: { ...config.opsAccess, pass },
      runsOn: runsOn(config),
      clock: systemClock,
      log,
      ...(config.page === undefined ? {} : { pageDirectory: config.page }),
      agentLog: agent => logs.of(agent),
      attempt: ({ agent, topic }, frame) => trials.try({ file, versions: graph.versions, agent, topic, frame }),
      ...(hasFrontEnd ? { keysFile: config.keysFile } : {}),
    })
    closers.add('operators', () => ops.close())
    door = hasFrontEnd ? await openFrontDoor(config, { engine, pipeline, instruments, tracer, log, closers }) : undefined
    const frontEnd = door?.frontEnd
    if (hasFrontEnd) {
      const onError = (error: unknown) => log.warn(`A canary could not be sent: ${error instanceof Error ? error.message : String(error)}`)
      closers.add('canaries', sendCanaries({ stream: engine, pipeline: () => graph.running, clock: systemClock, onError }))
    }
    if (frontEnd !== undefined) closers.add('front end’s health', followFrontEnd(frontEnd, health, systemClock))

    graph.follow()
    closers.add('versions', () => graph.close())
    if (options.dev === true) {
      const reloading = reloadOnChange({ file, graph, log })
      closers.add('reloading', () => reloading.close())
    }

    const urls = {
      ...(frontEnd === undefined ? {} : { listen: frontEnd.url }),
      ops: ops.url,
      ...(attach.url === undefined ? {} : { attach: attach.url }),
    }
    writeRuntimeFile(config.data, { pid: process.pid, ...urls, pass, pipeline: pipeline.name, file, startedMs })
    closers.add('runtime.json', () => removeRuntimeFile(config.data))
    return {
      urls,
      pipeline: () => graph.running,
      failed: Promise.race([failed, fatal.promise]).then(reason => {
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

function runsOn({ connections }: Config): { stream: string; trace: string; version: string } {
  const shown = (url: string | undefined) => (url === undefined ? 'embedded' : shownUrl(url))
  return { stream: shown(connections?.stream.url), trace: shown(connections?.trace.url), version: packageVersion() }
}

/** The front end goes on without the trace; agents say for themselves that they wait. */
function reportTrace(log: Log): Held {
  return error => {
    if (error === undefined) log.info('The trace is back: ids that producers send again are recognised.')
    else
      log.warn(
        `${error.message} Data are accepted meanwhile, and ids that producers send again are not recognised at the door.`,
        undefined,
        error,
      )
  }
}
