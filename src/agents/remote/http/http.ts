import type { LookupFunction } from 'node:net'
import { checkCount } from '../../../count.ts'
import type { Remote, RemoteAgentFacts } from '../../remote.ts'
import { Calls } from '../calls.ts'
import type { Answer } from '../messages.ts'
import { Away, type Request, type RequestLimits, type Service } from '../service.ts'
import { openLookup } from './addresses.ts'
import { Exchange } from './exchange.ts'
import { type HeaderValue, type Place, placeOf } from './place.ts'
import { answersIn, away } from './reply.ts'

const MIB = 1024 * 1024

export interface HttpOptions {
  /** How many data a request has at most. Default 100. */
  readonly batch?: number
  /** How many requests are under way at once, in each process of Millrace that runs the agent. Default 4. */
  readonly requests?: number
  /**
   * Headers of each request. Where one is secret or expires, give a function: it is called for each request, and what it returns is
   * never printed. `{ authorization: () => `Bearer ${process.env.MOOD_TOKEN}` }`.
   */
  readonly headers?: Readonly<Record<string, HeaderValue>>
  /** Whether the service may be at a private, loopback or link-local address. Default false: such an address is refused, whatever name led to it. */
  readonly private?: boolean
}

/** Every wait and every buffer; the seam where tests wait less long. */
export interface HttpLimits {
  readonly connectMs: number
  readonly requestBytes: number
  readonly mostRequestBytes: number
  readonly replyBytes: number
  /** How names are looked up where not every address is allowed. */
  readonly lookup: LookupFunction
}

export const LIMITS: HttpLimits = {
  connectMs: 10_000,
  requestBytes: MIB,
  mostRequestBytes: 64 * MIB,
  replyBytes: 64 * MIB,
  lookup: openLookup(),
}

/**
 * Sends the data of a remote agent to a service, in batches by POST; the reply says what became of each (docs/protocol.md). Redirects are
 * not followed, and connections go to the open internet alone unless `private` says otherwise.
 * @throws TypeError where an option is wrong.
 */
export function http(url: string | URL, options: HttpOptions = {}): Remote {
  return httpWithin(LIMITS, url, options)
}

/** {@link http} with other limits. */
export function httpWithin(limits: HttpLimits, url: string | URL, options: HttpOptions = {}): Remote {
  const place = placeOf(url, options.headers, options.private)
  const say = `http('${place.name}')`
  const batch = checkCount(`${say} batch`, options.batch ?? 100, 10_000)
  const requests = checkCount(`${say} requests`, options.requests ?? 4, 1_000)
  return {
    kind: 'remote',
    // A request's worth lies ready for each that is under way.
    concurrency: Math.min(10_000, 2 * batch * requests),
    open: (agent, events) => {
      const { requestBytes, mostRequestBytes } = limits
      const allowed = { batch, requests, batchBytes: requestBytes, mostBytes: mostRequestBytes }
      return new Calls(new HttpService(place, allowed, limits, agent), agent, events)
    },
  }
}

class HttpService implements Service {
  readonly name: string
  readonly limits: RequestLimits
  readonly #place: Place
  readonly #agent: RemoteAgentFacts
  readonly #exchange: Exchange

  constructor(place: Place, allowed: RequestLimits, { connectMs, replyBytes, lookup }: HttpLimits, agent: RemoteAgentFacts) {
    this.name = `The service of ${agent.name}@${agent.version} (${place.name})`
    this.limits = allowed
    this.#place = place
    this.#agent = agent
    this.#exchange = new Exchange({
      url: place.url,
      name: this.name,
      connections: allowed.requests,
      lookup: place.private ? undefined : lookup,
      connectMs,
      replyBytes,
      clock: agent.clock,
    })
  }

  async call({ body, ids }: Request, signal: AbortSignal): Promise<readonly Answer[]> {
    const reply = await this.#exchange.post(await this.#headers(), body, ids.length === 1, signal)
    return answersIn(reply, this.name, this.#place.url, this.#agent)
  }

  close(): void {
    this.#exchange.close()
  }

  async #headers(): Promise<Record<string, string>> {
    const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'millrace' }
    for (const [name, value] of this.#place.headers) headers[name] = await this.#header(name, value)
    return headers
  }

  /** What it is told is never repeated: neither is the error of whoever gives it, which may hold it. */
  async #header(name: string, value: HeaderValue): Promise<string> {
    let text: unknown
    try {
      text = typeof value === 'string' ? value : await value()
    } catch {
      throw new Away(away(`${this.name} is not asked: the function that gives the header ${name} failed.`, 'Mend that function (headers).'))
    }
    if (typeof text === 'string' && text !== '' && !/[^\t\x20-\x7e\x80-\xff]/.test(text)) return text
    throw new Away(
      away(`${this.name} is not asked: the header ${name} has no value that can be sent.`, 'Is its environment variable set (headers)?'),
    )
  }
}
