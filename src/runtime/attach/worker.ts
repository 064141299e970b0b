import type { IncomingMessage } from 'node:http'
import { MillraceError } from '../../errors.ts'
import { checkLocal } from '../../frontend/admission.ts'
import type { KeyRing } from '../../frontend/key-ring.ts'

/** Who takes work: what its key says, or a program on this machine where there are no keys. */
export class Worker {
  readonly #name: string
  readonly #agents: ReadonlySet<string> | '*'

  constructor(name: string, agents: readonly string[] | '*') {
    this.#name = name
    this.#agents = agents === '*' ? '*' : new Set(agents)
  }

  /** @param agent name@version. @throws AGENT_FORBIDDEN */
  check(agent: string): void {
    if (this.#agents === '*' || this.#agents.has(agent) || this.#agents.has(agent.slice(0, agent.lastIndexOf('@')))) return
    throw new MillraceError('AGENT_FORBIDDEN', `The key of '${this.#name}' may not work for ${JSON.stringify(agent)}.`, {
      fix: `Use a key that names the agent: millrace keys add ${this.#name} --agent ${agent}`,
    })
  }
}

const LOCAL = new Worker('local', '*')

/** Says who takes work. Deny by default: with keys, by key alone; without keys, programs on this machine. @throws KEY_MISSING, KEY_INVALID */
export function workerOf(request: IncomingMessage, ring: KeyRing<Worker>, isLoopback: boolean): Worker {
  const { authorization } = request.headers
  // A listener that others reach stays shut when its key file disappears.
  if (!ring.keyless || !isLoopback || authorization !== undefined) return ring.authenticate(authorization, request.socket)
  checkLocal(request)
  return LOCAL
}
