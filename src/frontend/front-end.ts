import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyReply } from 'fastify'
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Recorder } from '../instrumentation/recorder.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Stream } from '../stream/stream.ts'
import { Admission } from './admission.ts'
import { DataRoutes } from './data-routes.ts'
import { Ingested } from './ingested.ts'
import { Intake } from './intake.ts'
import { KeyRing } from './key-ring.ts'
import { completeLimits, type Limits } from './limits.ts'
import { Load } from './load.ts'
import { isLoopback } from './loopback.ts'
import { PROBLEM_TYPE, problemOf } from './problem.ts'
import { RateLimit } from './rate.ts'
import { RouteTable } from './routes.ts'
import { type HttpServer, httpServer } from './server.ts'
import { Singles } from './singles.ts'
import type { Spill } from './spill/spill.ts'
import { spillText } from './spill/spill-text.ts'

export interface FrontEndOptions {
  readonly pipeline: Pipeline
  /** Where data go. Its topics must exist already (`ensure`). */
  readonly stream: Pick<Stream, 'append'>
  /** The same stream where it is one that spills: health says what it keeps back. */
  readonly spill?: Pick<Spill, 'status'>
  readonly clock: Clock
  readonly recorder: Recorder
  /** Where `addKey` keeps the API keys. */
  readonly keysFile: string
  /** `port` 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly limits?: Partial<Limits>
  /** Where what nobody expected is told. Default: nowhere. */
  readonly report?: (what: string, error: unknown) => void
}

/** The front end at work: the only part that is open to the outside. */
export interface FrontEnd {
  /** `http://host:port` */
  readonly url: string
  /** Takes data by this pipeline's topics from now on; no connection is dropped. Its topics must exist in the stream already. */
  use(pipeline: Pipeline): void
  health(): FrontEndHealth
  /** Accepts no more connections and requests, answers what is in hand for at most `graceMs`, then closes. */
  close(graceMs: number): Promise<void>
}

export interface FrontEndHealth {
  /** Whether data are taken: false while closing, and for ten seconds after an append failed and none succeeded since. */
  readonly ready: boolean
  /** Why not, or what else needs a look, for people. */
  readonly reason?: string
  readonly connections: number
  readonly inFlightRequests: number
  readonly inFlightBytes: number
  /** API keys in force; `keyless` where nobody has set any up, and the listener is for this machine alone. */
  readonly keys: number
  readonly keyless: boolean
}

/** Connections that the kernel holds before they are accepted. */
const BACKLOG = 4_096
/** How long answers that are written may take to leave, once everything is answered. */
const FLUSH_MS = 1_000

/** Listens for data. @throws CONFIG_INVALID: a limit, the key file, no key where others can reach it, or a port that is taken. */
export async function startFrontEnd(options: FrontEndOptions): Promise<FrontEnd> {
  const { clock, stream } = options
  const limits = completeLimits(options.limits)
  const ring = await KeyRing.open(options.keysFile, clock)
  const local = isLoopback(options.listen.host)
  try {
    if (!local && ring.count === 0) throw noKeys(options.listen.host)
    const load = new Load(limits)
    const ingested = new Ingested(options.recorder, clock)
    const singles = new Singles({ stream, ingested, clock })
    const routes = new DataRoutes(new RouteTable(options.pipeline), {
      limits,
      clock,
      load,
      rate: new RateLimit(limits, clock),
      admission: new Admission(ring, local),
      intake: new Intake({ limits, clock, stream, ingested, singles }),
      report: options.report ?? (() => {}),
    })
    const http = await listen(routes, limits, clock, options.listen)
    return new RunningFrontEnd(http, { routes, load, ring, ingested, clock, spill: options.spill })
  } catch (error) {
    ring.close()
    throw error
  }
}

async function listen(routes: DataRoutes, limits: Limits, clock: Clock, at: { host: string; port: number }): Promise<HttpServer> {
  let http: HttpServer | undefined
  // Fastify answers what is not data; plugins find the server where they look for it.
  const app = Fastify({
    serverFactory: fallback => {
      http = httpServer(limits, clock, (request, response) => {
        if (RouteTable.takes(request.url ?? '')) routes.handle(request, response)
        else fallback(request, response)
      })
      return http.server
    },
    frameworkErrors: (_error, request, reply) => {
      void notFound(request, reply)
    },
  })
  app.setNotFoundHandler(notFound)
  await app.ready()
  const { server } = http!
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      const fix = 'Stop what uses the port, or listen elsewhere with --listen host:port.'
      reject(new MillraceError('CONFIG_INVALID', `Nothing can listen on ${at.host}:${at.port}: ${cause.message}.`, { fix, cause }))
    })
    server.listen({ port: at.port, host: at.host.replace(/^\[|\]$/g, ''), backlog: BACKLOG }, resolve)
  })
  return http!
}

interface Parts {
  readonly routes: DataRoutes
  readonly load: Load
  readonly ring: KeyRing
  readonly ingested: Ingested
  readonly clock: Clock
  readonly spill: Pick<Spill, 'status'> | undefined
}

class RunningFrontEnd implements FrontEnd {
  readonly url: string
  readonly #http: HttpServer
  readonly #on: Parts
  #closed: Promise<void> | undefined

  constructor(http: HttpServer, on: Parts) {
    this.#http = http
    this.#on = on
    // A TCP server's address is an object; only one on a pipe has a string.
    const { address, family, port } = http.server.address() as AddressInfo
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  use(pipeline: Pipeline): void {
    this.#on.routes.table = new RouteTable(pipeline)
  }

  health(): FrontEndHealth {
    const { load, ring, ingested, spill } = this.#on
    const closing = this.#closed !== undefined
    const reason = closing
      ? 'It is closing.'
      : (ingested.lastError?.message ?? (spill && spillText(spill.status())) ?? ring.problem?.message)
    return {
      ready: !closing && ingested.lastError === undefined,
      ...(reason === undefined ? {} : { reason }),
      connections: this.#http.connections,
      inFlightRequests: load.requests,
      inFlightBytes: load.bytes,
      keys: ring.count,
      keyless: ring.keyless,
    }
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    const { routes, load, ring, clock } = this.#on
    const { server } = this.#http
    routes.close()
    ring.close()
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    this.#http.endIdle()
    await within(clock, graceMs, load.drained())
    // Everything is answered: each answer closes its connection when it is out. What remains has sent half a request.
    this.#http.endIdle()
    await within(clock, Math.min(graceMs, FLUSH_MS), closed)
    server.closeAllConnections()
    await closed
  }
}

/** Waits for `done`, but no longer than `ms`. */
async function within(clock: Clock, ms: number, done: Promise<void>): Promise<void> {
  let cancel = () => {}
  const late = new Promise<void>(resolve => {
    cancel = clock.after(ms, resolve)
  })
  await Promise.race([done, late])
  cancel()
}

function noKeys(host: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `There is no API key, and ${host} can be reached from other machines.`, {
    fix: 'Add a key with `millrace keys add`, or listen on 127.0.0.1.',
  })
}

function notFound(request: { method: string; url: string }, reply: FastifyReply): FastifyReply {
  return reply
    .code(404)
    .type(PROBLEM_TYPE)
    .send(problemOf(noRoute(request.method, request.url)))
}

function noRoute(method: string, url: string): MillraceError {
  return new MillraceError('ROUTE_UNKNOWN', `There is nothing at ${method} ${JSON.stringify(url.slice(0, 64))}.`, {
    fix: 'Data go to POST /v1/topics/{topic}, /v1/topics/{topic}/batch or /v1/data.',
  })
}
