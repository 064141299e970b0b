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
import { producerKeys } from './producer-keys.ts'
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

/** Listens for data. @throws CONFIG_INVALID: a limit, the key file, no key where others can reach it, or a port that is taken. */
export async function startFrontEnd(options: FrontEndOptions): Promise<FrontEnd> {
  const { clock, stream } = options
  const limits = completeLimits(options.limits)
  const ring = await KeyRing.open(producerKeys(options.keysFile), clock)
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
      ingested,
      report: options.report ?? (() => {}),
    })
    const http = await serverOf(routes, limits, clock)
    const url = await http.listen(options.listen, '--listen')
    return new RunningFrontEnd(url, http, { routes, load, ring, ingested, spill: options.spill })
  } catch (error) {
    ring.close()
    throw error
  }
}

async function serverOf(routes: DataRoutes, limits: Limits, clock: Clock): Promise<HttpServer> {
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
  return http!
}

interface Parts {
  readonly routes: DataRoutes
  readonly load: Load
  readonly ring: KeyRing
  readonly ingested: Ingested
  readonly spill: Pick<Spill, 'status'> | undefined
}

class RunningFrontEnd implements FrontEnd {
  readonly url: string
  readonly #http: HttpServer
  readonly #on: Parts
  #closed: Promise<void> | undefined

  constructor(url: string, http: HttpServer, on: Parts) {
    this.url = url
    this.#http = http
    this.#on = on
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

  #close(graceMs: number): Promise<void> {
    const { routes, load, ring } = this.#on
    routes.close()
    ring.close()
    return this.#http.close(graceMs, load.drained())
  }
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
