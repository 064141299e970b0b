import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Limits } from './limits.ts'
import { PROBLEM_TYPE, problemOf, retryAfterSeconds } from './problem.ts'
import { HeadersTooLarge } from './request.ts'

/** How often Node looks for requests that take too long; a limit is overstepped by at most this. */
const CHECK_TIMEOUTS_MS = 500
/** How long a connection that was told something before its end is read and discarded, so that the telling arrives. */
const LINGER_MS = 1_000
/** Connections beyond the limit that are being told so; beyond this many they are just closed. */
const MAX_REFUSED = 1_000

/** How long answers that are written may take to leave, once everything is answered. */
const FLUSH_MS = 1_000
/** Connections that the kernel holds before they are accepted. */
const BACKLOG = 4_096

/** Node's HTTP server, held to the limits. */
export interface HttpServer {
  readonly server: Server
  readonly connections: number
  /** Listens. @param setting how it is said where, such as `--listen`. @returns its URL. @throws CONFIG_INVALID where nothing can listen there. */
  listen(at: { readonly host: string; readonly port: number }, setting: string): Promise<string>
  /** Accepts no more connections and requests, lets what is in hand be answered for at most `graceMs`, then closes. */
  close(graceMs: number, drained: Promise<void>): Promise<void>
}

/**
 * Makes the server. Node's strict parser refuses what proxies disagree about (two lengths, a length beside chunks, spaces before
 * colons); here it is only told how much and how long to wait, and its refusals become problems.
 */
export function httpServer(limits: Limits, clock: Clock, handle: (request: IncomingMessage, response: ServerResponse) => void): HttpServer {
  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_TIMEOUTS_MS, limits.headerTimeoutMs),
      // A producer whose machine has vanished says nothing: the kernel asks for it.
      keepAlive: true,
      noDelay: true,
    },
    handle,
  )
  // One more than the limit, so that one too many is seen: Node leaves out the rest in silence.
  server.maxHeadersCount = limits.headerCount + 1
  // A producer that does not read its answers.
  server.timeout = Math.max(limits.idleTimeoutMs, limits.requestTimeoutMs)
  server.on('checkContinue', handle)
  const told = new WeakSet<Duplex>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The parser goes on to trip over whatever follows.
    if (told.has(socket)) return
    told.add(socket)
    refuseBroken(error, socket, limits, clock)
  })
  const open = limitConnections(server, limits, clock)
  /** Ends the connections that have no request under way. */
  const endIdle = () => {
    server.closeIdleConnections()
    // To Node, one that has never sent anything is about to.
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  }
  return {
    server,
    get connections() {
      return open.size
    },
    listen: (at, setting) => listenOn(server, at, setting),
    async close(graceMs, drained) {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      endIdle()
      await within(clock, graceMs, drained)
      // Everything is answered: each answer closes its connection when it is out. What remains has sent half a request.
      endIdle()
      await within(clock, Math.min(graceMs, FLUSH_MS), closed)
      server.closeAllConnections()
      await closed
    },
  }
}

async function listenOn(server: Server, at: { readonly host: string; readonly port: number }, setting: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      const fix = `Stop what uses the port, or listen elsewhere with ${setting} host:port.`
      reject(new MillraceError('CONFIG_INVALID', `Nothing can listen on ${at.host}:${at.port}: ${cause.message}.`, { fix, cause }))
    })
    server.listen({ port: at.port, host: at.host.replace(/^\[|\]$/g, ''), backlog: BACKLOG }, resolve)
  })
  // A TCP server's address is an object; only one on a pipe has a string.
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
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

/** Node's own limit closes a connection without a word, which a producer cannot tell from a crash. */
function limitConnections(server: Server, limits: Limits, clock: Clock): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  let refused = 0
  // The one listener that makes HTTP of a connection. It must not see those that are refused.
  const [accept] = server.listeners('connection') as [(this: Server, socket: Socket) => void]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (open.size < limits.connections) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return accept.call(server, socket)
    }
    if (refused >= MAX_REFUSED) return void socket.destroy()
    refused++
    socket.once('close', () => refused--)
    tell(
      socket,
      clock,
      new MillraceError('OVERLOADED', `There are ${limits.connections} connections open.`, {
        fix: 'Connect again later, or send more over one connection.',
      }),
    )
  })
  return open
}

/** What Node's parser and timeouts refuse, before there is a request to answer. */
function refuseBroken(error: NodeJS.ErrnoException, socket: BrokenSocket, limits: Limits, clock: Clock): void {
  // An answer that has begun cannot become another.
  if (!socket.writable || error.code === 'ECONNRESET' || socket._httpMessage?.headersSent === true) return void socket.destroy()
  tell(socket, clock, brokenRequest(error, limits))
}

/** `_httpMessage`, the answer under way, is what Node's own refusal looks at too; it has no public name. */
type BrokenSocket = Duplex & { _httpMessage?: { headersSent: boolean } | null }

function brokenRequest(error: NodeJS.ErrnoException, limits: Limits): MillraceError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HeadersTooLarge('headerBytes', limits.headerBytes)
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new MillraceError('SLOW_REQUEST', 'The request did not arrive in time.', {
        fix: 'Send it faster or in smaller parts, or raise the limits headerTimeoutMs and requestTimeoutMs.',
      })
    default:
      return new MillraceError('HEADER_INVALID', `The request is not HTTP: ${error.message}.`, {
        fix: 'Check the request line and headers.',
      })
  }
}

/** Says why and closes: in that order, and not before it is likely to have been read. */
function tell(socket: Duplex, clock: Clock, error: MillraceError): void {
  socket.on('error', () => socket.destroy())
  const cancel = clock.after(LINGER_MS, () => socket.destroy())
  socket.once('close', cancel)
  socket.resume()
  socket.end(rawProblem(error))
}

function rawProblem(error: MillraceError): string {
  const body = JSON.stringify(problemOf(error))
  const retryAfter = retryAfterSeconds(error)
  const more = retryAfter === undefined ? '' : `retry-after: ${retryAfter}\r\n`
  return `HTTP/1.1 ${error.status} ${error.title.replace(/[^\x20-\x7e]/g, "'")}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}connection: close\r\n\r\n${body}`
}
