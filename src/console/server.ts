import { statSync } from 'node:fs'
import fastifyCookie from '@fastify/cookie'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Engine, EngineView } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import type { Health } from '../instrumentation/health.ts'
import type { Instruments } from '../instrumentation/instruments.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import type { Decision } from '../versions/decision.ts'
import type { Wish } from '../versions/proposed.ts'
import { answerProblems, type Log, sendProblem } from './answers.ts'
import type { CompareAnswer } from './api/agents.ts'
import { AuditLog } from './audit.ts'
import { auditing } from './auditing.ts'
import { guard } from './guard.ts'
import type { RunsOn } from './health.ts'
import type { Try } from './letter-trial.ts'
import type { Access } from './log-in/access.ts'
import { guardingOf } from './log-in/guarding.ts'
import { consolePage } from './page.ts'
import { auditRoutes } from './routes/audit.ts'
import { cacheRoutes } from './routes/cache.ts'
import { compareRoutes } from './routes/compare.ts'
import { dataRoutes } from './routes/data.ts'
import { deadRoutes } from './routes/dead.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { letterReplayRoutes } from './routes/letter-replays.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { overviewRoutes } from './routes/overview.ts'
import { producerRoutes } from './routes/producers.ts'
import { replayRoutes } from './routes/replays.ts'
import { sessionRoutes } from './routes/session.ts'
import { tailRoutes } from './routes/tail.ts'
import { topicRoutes } from './routes/topic.ts'
import { traceRoutes } from './routes/trace.ts'
import { versionRoutes } from './routes/versions.ts'

export interface OpsOptions {
  readonly engine: EngineView & Pick<Engine, 'letters' | 'ensure' | 'append' | 'replay' | 'logId'>
  readonly instruments: Instruments
  readonly health: Health
  readonly clock: Clock
  /** Port 0 takes any that is free. Other than loopback needs a log-in, or `access.open`. */
  readonly address: { readonly host: string; readonly port: number }
  /** Who may reach what. Default: loopback alone, and nobody logs in. */
  readonly access?: Access
  readonly pipeline?: Pipeline
  /** Whether an agent is this process's to run. Default: every one. */
  readonly runsHere?: (agent: AnyAgent) => boolean
  /** Decides about versions. Without it there are no routes for it. */
  readonly decide?: (wish: Wish, by: string) => Promise<Decision>
  /** Compares two versions, of data appended since then. Without it there is no route for it. */
  readonly compare?: (agents: readonly [string, string], options: CompareAsked) => Promise<CompareAnswer>
  readonly runsOn: RunsOn
  /** Tries a handler on a dead letter's datum. Without it nothing can be tried. */
  readonly attempt?: Try
  /** The last lines about an agent of this process, the newest last. */
  readonly agentLog?: (
    group: string,
  ) => readonly { readonly atMs: number; readonly level: 'info' | 'warn' | 'error'; readonly text: string }[]
  /** Where the producers' keys are kept, where this process has a front end. */
  readonly keysFile?: string
  /** Static files for `/`, read anew at each request. */
  readonly pageDirectory?: string
  readonly log?: Log
}

export interface CompareAsked {
  readonly sinceMs: number
  /** At most so many data, and examples of what differs. */
  readonly most: number
  readonly examples: number
}

/** The operators' listener at work. */
export interface Ops {
  /** Such as `http://127.0.0.1:7071`. */
  readonly url: string
  /** Everything that is answered here, such as `GET /v1/topics`: no other listener may. */
  readonly routes: readonly string[]
  /** The pipeline that runs from now on. */
  use(pipeline: Pipeline): void
  /** Takes no more requests, ends the connections. */
  close(): Promise<void>
}

/** What the routes answer from. */
export interface OpsContext
  extends Pick<
    OpsOptions,
    'engine' | 'instruments' | 'health' | 'clock' | 'runsHere' | 'decide' | 'compare' | 'keysFile' | 'agentLog' | 'attempt'
  > {
  readonly log: Log | undefined
  readonly runsOn: RunsOn
  pipeline(): Pipeline | undefined
}

const MAX_BODY_BYTES = 1_048_576
const MAX_CONNECTIONS = 512
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 30_000
/** A cache's key of 1,024 bytes, each percent-encoded, and some room. */
const MAX_PARAM_LENGTH = 4_096

/**
 * Starts the operators' listener: trace, lineage, cache, dead letters, overview, metrics, health, and a page if there is one.
 * @throws CONFIG_INVALID where the address cannot be listened on, others reach it and nobody logs in, or there is no such folder of static files;
 *   CLIENT_MISSING
 */
export async function startOps(options: OpsOptions): Promise<Ops> {
  checkPage(options.pageDirectory)
  let pipeline = options.pipeline
  const { engine, instruments, health, clock, log } = options
  const { runsHere, decide, compare, runsOn } = options
  const context: OpsContext = {
    ...{ engine, instruments, health, clock, log, runsOn, pipeline: () => pipeline },
    ...(runsHere === undefined ? {} : { runsHere }),
    ...(decide === undefined ? {} : { decide }),
    ...(compare === undefined ? {} : { compare }),
    ...(options.keysFile === undefined ? {} : { keysFile: options.keysFile }),
    ...(options.attempt === undefined ? {} : { attempt: options.attempt }),
    ...(options.agentLog === undefined ? {} : { agentLog: options.agentLog }),
  }

  const guarding = await guardingOf(options)
  const { logIn } = guarding
  const server = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // A page that polls keeps its connection open for ever; a stop does not wait for it.
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, new MillraceError('QUERY_INVALID', `${error.message}.`, { fix: 'Percent-encode the path.' }))
    },
  })
  server.server.maxConnections = MAX_CONNECTIONS
  // A form of any web page can post text/plain to loopback; application/json it cannot without asking first.
  server.removeContentTypeParser('text/plain')
  const routes: string[] = []
  server.addHook('onRoute', ({ method, url: path }) => {
    for (const one of [method].flat()) routes.push(`${one} ${path}`)
  })
  await server.register(fastifyCookie)
  answerProblems(server, log)
  guard(server, guarding)
  auditing(server, new AuditLog(engine), clock, log)
  server.addHook('onClose', async () => logIn.close())
  server.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  const openApi = openApiRoutes(server, context)
  sessionRoutes(server, guarding)
  auditRoutes(server, context)
  healthRoutes(server, context)
  overviewRoutes(server, context)
  eventRoutes(server, context)
  topicRoutes(server, context)
  tailRoutes(server, context)
  compareRoutes(server, context)
  dataRoutes(server, context)
  traceRoutes(server, context)
  cacheRoutes(server, context)
  deadRoutes(server, context)
  letterReplayRoutes(server, context)
  replayRoutes(server, context)
  versionRoutes(server, context)
  producerRoutes(server, context)
  keyRoutes(server, context)
  await consolePage(server)
  if (options.pageDirectory === undefined) indexRoute(server, openApi.index)
  else await server.register(fastifyStatic, { root: options.pageDirectory, dotfiles: 'deny', cacheControl: false })

  const url = await listen(server, options.address)
  if (!guarding.isPrivate && guarding.open === 'all')
    log?.warn(
      `The operators’ listener asks nobody who it is (--ops-open all) and is on ${options.address.host}:${new URL(url).port}: whoever reaches it sees data, can replay, edit and discard dead letters, and decides about versions. Let only what asks for a log-in reach it.`,
    )
  return {
    url,
    routes,
    use(next) {
      pipeline = next
    },
    close: () => server.close(),
  }
}

/** Fastify's plugin says nothing of a folder that is not there, and every path of the page would be 404. */
function checkPage(folder: string | undefined): void {
  if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new MillraceError('CONFIG_INVALID', `There is no folder ${folder} to serve a page from.`, {
    fix: 'Name the folder that has its index.html with --page.',
  })
}

async function listen(server: FastifyInstance, at: OpsOptions['address']): Promise<string> {
  try {
    return await server.listen({ host: at.host, port: at.port })
  } catch (cause) {
    await server.close()
    const why = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE' ? 'it is in use' : String(cause)
    throw new MillraceError('CONFIG_INVALID', `The operators’ listener cannot use ${at.host}:${at.port}: ${why}.`, {
      fix: 'Stop what uses it, or choose another with --ops.',
      cause,
    })
  }
}

function indexRoute(server: FastifyInstance, index: () => string): void {
  server.get('/', (request, reply) => {
    // A browser is brought to the console; a program is told what there is.
    if (request.headers.accept?.includes('text/html') === true) return reply.redirect('/console/')
    return reply.type('text/plain; charset=utf-8').send(index())
  })
}
