import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { servers } from '../../servers/shared.ts'

/** What becomes of a request: it goes through, is never answered, has its connection broken, or gets this answer. */
export type Fate =
  | 'through'
  | 'silence'
  | 'broken'
  | { readonly status: number; readonly code?: string; readonly headers?: Record<string, string> }

/** Stands before the S3 server, and can take its place. */
export class S3Proxy {
  /** Decides for each request. */
  fate: (request: IncomingMessage) => Fate | Promise<Fate> = () => 'through'
  /** `METHOD /path?query` of every request so far. */
  readonly seen: string[] = []
  endpoint = ''
  readonly #server = createServer((incoming, response) => void this.#handle(incoming, response))

  /** For the test that runs. */
  static async start(): Promise<S3Proxy> {
    const proxy = await S3Proxy.open()
    onTestFinished(() => proxy[Symbol.dispose]())
    return proxy
  }

  static async open(): Promise<S3Proxy> {
    const proxy = new S3Proxy()
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    // Listening on a port, it has an address of that kind.
    proxy.endpoint = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`
    return proxy
  }

  [Symbol.dispose](): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(`${incoming.method} ${incoming.url}`)
    const fate = await this.fate(incoming)
    if (fate === 'through') this.#forward(incoming, response)
    else if (fate === 'broken') incoming.socket.destroy()
    else if (fate !== 'silence') {
      incoming.resume()
      response.writeHead(fate.status, { ...fate.headers, 'content-type': 'application/xml', connection: 'close' })
      response.end(
        fate.code === undefined ? '' : `<?xml version="1.0"?><Error><Code>${fate.code}</Code><Message>As the test says</Message></Error>`,
      )
    }
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    // The signature covers the host that the client has named, so it stays.
    const { expect: _, ...headers } = incoming.headers
    const outgoing = request(servers().s3.endpoint + incoming.url, { method: incoming.method ?? 'GET', headers, agent: false }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    incoming.on('close', () => {
      if (!incoming.complete) outgoing.destroy()
    })
    incoming.pipe(outgoing)
  }
}
