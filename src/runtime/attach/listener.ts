import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import { KeyRing } from '../../frontend/key-ring.ts'
import type { Limits } from '../../frontend/limits.ts'
import { Load } from '../../frontend/load.ts'
import { isLoopback } from '../../frontend/loopback.ts'
import { type HttpServer, httpServer } from '../../frontend/server.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import type { Address } from '../settings.ts'
import { agentKeys } from './agent-keys.ts'
import { attachedAgents, Desks } from './desks.ts'
import { WorkRoutes } from './work-routes.ts'

/** Where the attached agents of a process are reached. */
export interface Attach {
  readonly desks: Desks
  /** Undefined as long as no attached agent runs here: nothing listens then. */
  readonly url: string | undefined
  /** Takes requests for the attached agents of this pipeline from now on. @throws what {@link listenForWorkers} throws */
  use(pipeline: Pipeline): Promise<void>
  close(graceMs: number): Promise<void>
}

/** Listens for workers from the moment that a pipeline has an attached agent that runs here, and not before. */
export function openAttach({ attach: address, agentKeysFile: keysFile, limits, runs }: Config, clock: Clock, log: Log): Attach {
  const desks = new Desks()
  let listening: WorkListener | undefined
  return {
    desks,
    get url() {
      return listening?.url
    },
    async use(pipeline) {
      const agents = attachedAgents(pipeline, runs)
      desks.use(agents)
      if (agents.length === 0) return
      listening ??= await listenForWorkers({ desks, address, keysFile, limits, clock, log })
    },
    close: async graceMs => listening?.close(graceMs),
  }
}

export interface WorkListener {
  /** `http://host:port` */
  readonly url: string
  close(graceMs: number): Promise<void>
}

/** @throws CONFIG_INVALID: the key file, no key where others can reach it, or a port that is taken. */
export async function listenForWorkers(on: {
  readonly desks: Desks
  readonly address: Address
  readonly keysFile: string
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
}): Promise<WorkListener> {
  const { desks, address, keysFile, limits, clock, log } = on
  const ring = await KeyRing.open(agentKeys(keysFile), clock)
  const isLocal = isLoopback(address.host)
  try {
    if (!isLocal && ring.count === 0) throw noKeys(address.host)
    const load = new Load(limits)
    const report = (what: string, error: unknown) =>
      log.error(`${what}: ${error instanceof Error ? error.message : String(error)}`, undefined, error)
    const routes = new WorkRoutes({ desks, ring, isLoopback: isLocal, limits, load, clock, report })
    const http: HttpServer = httpServer(limits, clock, (request, response) => routes.handle(request, response))
    const url = await http.listen(address, '--attach')
    return {
      url,
      async close(graceMs) {
        routes.close()
        ring.close()
        await http.close(graceMs, load.drained())
      },
    }
  } catch (error) {
    ring.close()
    throw error
  }
}

function noKeys(host: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `There is no key of an agent, and ${host} can be reached from other machines.`, {
    fix: 'Add one with `millrace keys add <name> --agent <agent>`, or let workers attach on 127.0.0.1 (--attach).',
  })
}
