import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import { broken } from '../messages.ts'
import { Away } from '../service.ts'
import { AddressRefused } from './addresses.ts'
import { away, type Reply } from './reply.ts'

/** Shorter than most services keep a connection that nothing is sent on: a request would meet its end. */
const IDLE_MS = 4_000

export interface ExchangeOptions {
  readonly url: URL
  /** In messages, as their subject. */
  readonly name: string
  /** Connections at most. */
  readonly connections: number
  /** Undefined: as Node looks names up. */
  readonly lookup: LookupFunction | undefined
  /** How long a connection may take to be made. */
  readonly connectMs: number
  /** A reply has at most so many bytes. */
  readonly replyBytes: number
  readonly clock: Clock
}

/** Connections to one service, over which requests are sent and replies come back, whatever they say. */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #kept: PlainAgent | SecureAgent
  readonly #fresh: PlainAgent | SecureAgent
  /** A connection has broken off, and the service has not been heard of since: it may still be going down, and let others in. */
  #goesDown = false

  constructor(options: ExchangeOptions) {
    this.#options = options
    const { url, connections, lookup } = options
    const settings = { maxSockets: connections, ...(lookup === undefined ? {} : { lookup }) }
    const Agent = url.protocol === 'https:' ? SecureAgent : PlainAgent
    this.#kept = new Agent({ ...settings, keepAlive: true, timeout: IDLE_MS })
    this.#fresh = new Agent(settings)
  }

  /**
   * @param alone whether what it fails by is laid to the one datum that it has.
   * @throws Away where no connection could be made; AGENT_CRASHED where one was broken off, REMOTE_BROKEN where the reply is too large.
   */
  async post(headers: Readonly<Record<string, string>>, body: string, alone: boolean, signal: AbortSignal): Promise<Reply> {
    const bytes = Buffer.from(body)
    const full = { ...headers, 'content-length': String(bytes.length) }
    const wentDown = this.#goesDown
    this.#goesDown = false
    const first = await this.#send(this.#kept, full, bytes, signal)
    // The service may have ended before, by another datum or by itself, and this connection was the first to notice.
    const isDoubtful = first instanceof BrokenOff && (first.leftOver || wentDown) && alone
    const reply = isDoubtful ? await this.#send(this.#fresh, full, bytes, signal) : first
    if (reply instanceof BrokenOff) {
      this.#goesDown = true
      throw reply.why
    }
    return reply
  }

  close(): void {
    this.#kept.destroy()
    this.#fresh.destroy()
  }

  async #send(
    agent: PlainAgent | SecureAgent,
    headers: Readonly<Record<string, string>>,
    bytes: Buffer,
    signal: AbortSignal,
  ): Promise<Reply | BrokenOff> {
    const { url } = this.#options
    const send = url.protocol === 'https:' ? secureRequest : plainRequest
    const request = send(url, { method: 'POST', agent, headers, signal })
    const connection = new Connection(request, this.#options)
    // Told by what is awaited; the end of a connection after the reply is nobody's concern.
    request.on('error', () => undefined)
    try {
      const response = once(request, 'response')
      request.end(bytes)
      const [message] = (await response) as [IncomingMessage] // as Node documents the event
      return { status: message.statusCode ?? 0, headers: message.headers, text: await this.#read(message) }
    } catch (error) {
      request.destroy()
      return connection.brokenOff(error, request.reusedSocket)
    } finally {
      connection.close()
    }
  }

  async #read(message: IncomingMessage): Promise<string> {
    const { replyBytes } = this.#options
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of message as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > replyBytes)
        throw broken(`its reply has more than ${replyBytes} bytes`, 'Let it answer with less, or send it fewer data at once (batch).')
      parts.push(part)
    }
    return Buffer.concat(parts).toString('utf8')
  }
}

/** A connection that had been made, and ended before the reply was there. */
class BrokenOff {
  readonly why: MillraceError
  /** It had served other requests before. */
  readonly leftOver: boolean

  constructor(why: MillraceError, leftOver: boolean) {
    this.why = why
    this.leftOver = leftOver
  }
}

/** Whether a request has reached the service: what fails before that was not the data's doing. */
class Connection {
  readonly #options: ExchangeOptions
  readonly #cancel: () => void
  #made = false
  #late = false

  constructor(request: ClientRequest, options: ExchangeOptions) {
    this.#options = options
    request.once('socket', socket => {
      const isMade = () => {
        this.#made = true
        this.#cancel()
      }
      if (request.reusedSocket) isMade()
      else socket.once(options.url.protocol === 'https:' ? 'secureConnect' : 'connect', isMade)
    })
    this.#cancel = options.clock.after(options.connectMs, () => {
      this.#late = true
      request.destroy(new Error('the connection takes too long'))
    })
  }

  close(): void {
    this.#cancel()
  }

  /** What it means that a request had no reply, or none that was read. @throws where it is anything else. */
  brokenOff(error: unknown, leftOver: boolean): BrokenOff {
    const { name, connectMs } = this.#options
    if (error instanceof MillraceError) throw error
    const foreign = error as NodeJS.ErrnoException // whatever Node raises has these
    if (this.#late) throw new Away(away(`${name} cannot be reached: there was no connection in ${connectMs} ms.`, fixOf(undefined)))
    if (!this.#made) throw new Away(away(`${name} cannot be reached: ${said(foreign)}.`, fixOf(foreign), foreign))
    const what = `${name} broke the connection off before it had answered: ${said(foreign)}.`
    return new BrokenOff(new MillraceError('AGENT_CRASHED', what, { cause: foreign }), leftOver)
  }
}

/** A refused connection to several addresses has no message but its code. */
function said({ message, code, name }: NodeJS.ErrnoException): string {
  return (message === '' ? (code ?? name) : message.split('\n', 1)[0]!).replace(/\.$/, '')
}

function fixOf(error: NodeJS.ErrnoException | undefined): string {
  if (error instanceof AddressRefused) return 'Where the service is meant to be there: private: true.'
  const code = error?.code ?? ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Correct the URL, or mend the name service.'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'Ask it by a name that its certificate is for.'
  if (code === 'CERT_HAS_EXPIRED') return 'Renew its certificate.'
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code))
    return 'Name the authority that signed its certificate in NODE_EXTRA_CA_CERTS.'
  return 'Check that it runs, and that this machine may connect to it.'
}
