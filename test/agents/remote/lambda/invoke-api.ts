import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What Lambda takes in one synchronous invocation. */
const MOST_BYTES = 6_291_456

/** What comes of an invocation: a payload, which is a function's error where it says so; or a refusal of Lambda's. */
export type Invoked =
  | { readonly payload: string; readonly functionError?: 'Unhandled' }
  | { readonly status: number; readonly type: string; readonly message: string; readonly retryAfter?: string }

export interface InvokeApi extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** Bytes of each event that was taken. */
  readonly events: readonly number[]
}

/**
 * Lambda's Invoke as the AWS SDK asks it (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), on loopback.
 * @param invoke what the function does, or Lambda in its place. Events of more than 6 MB do not come to it.
 */
export async function serveInvoke(invoke: (event: Buffer) => Invoked | Promise<Invoked>): Promise<InvokeApi> {
  const events: number[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const event = Buffer.concat(parts)
    if (!/^\/2015-03-31\/functions\/[^/]+\/invocations/.test(request.url ?? '')) {
      refuse(response, { status: 404, type: 'ResourceNotFoundException', message: `Nothing is at ${request.url}` })
    } else if (event.length > MOST_BYTES) {
      const message = `Request must be smaller than ${MOST_BYTES} bytes for the InvokeFunction operation`
      refuse(response, { status: 413, type: 'RequestTooLargeException', message })
    } else {
      events.push(event.length)
      const invoked = await invoke(event)
      if ('type' in invoked) refuse(response, invoked)
      else {
        const { payload, functionError } = invoked
        const headers = { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' }
        response.writeHead(200, functionError === undefined ? headers : { ...headers, 'x-amz-function-error': functionError }).end(payload)
      }
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  return {
    endpoint: `http://127.0.0.1:${port}`,
    events,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function refuse(response: ServerResponse, { status, type, message, retryAfter }: Extract<Invoked, { type: string }>): void {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': type }
  response.writeHead(status, retryAfter === undefined ? headers : { ...headers, 'retry-after': retryAfter })
  response.end(JSON.stringify({ Type: 'User', message }))
}
