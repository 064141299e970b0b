/** The load generator, a process of its own: raw keep-alive requests over a fixed number of connections, as many as asked. */
import { connect, type Socket } from 'node:net'
import { serve } from './child.ts'
import { readingJson } from './data.ts'

interface Load {
  readonly port: number
  readonly path: string
  readonly key?: string
  readonly requests: number
  readonly connections: number
  /** Lines a request; 1 is one JSON datum. */
  readonly lines: number
  readonly keys: number
  /** Requests a second over all connections; as fast as answered where it is absent. */
  readonly rate?: number
}

const ACCEPTED = Buffer.from('HTTP/1.1 2')
const END = Buffer.from('\r\n\r\n')

async function run(load: Load): Promise<{ seconds: number; refused: number }> {
  const bodies = Array.from({ length: 64 }, (_, b) =>
    Array.from({ length: load.lines }, (_, l) => readingJson(b * load.lines + l, load.keys)).join('\n'),
  )
  const requests = bodies.map(body =>
    Buffer.from(
      `POST ${load.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${load.lines === 1 ? 'application/json' : 'application/x-ndjson'}\r\n${load.key === undefined ? '' : `authorization: Bearer ${load.key}\r\n`}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  )
  let left = load.requests
  let refused = 0
  const began = performance.now()
  const due = () => load.rate === undefined || (load.requests - left) / load.rate <= (performance.now() - began) / 1000
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      converse(
        load.port,
        () => (left > 0 ? (due() ? requests[left-- % requests.length] : 'later') : undefined),
        () => refused++,
      ),
    ),
  )
  return { seconds: (performance.now() - began) / 1000, refused }
}

/** One connection: sends the next request when the answer to the last has come. */
function converse(port: number, next: () => Buffer | 'later' | undefined, refuse: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let received: Buffer = Buffer.alloc(0)
    const send = () => {
      const request = next()
      if (request === undefined) socket.end(resolve)
      else if (request === 'later') setTimeout(send, 2)
      else socket.write(request)
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', chunk => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const head = received.indexOf(END)
      if (head < 0) return
      const length = /content-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1]
      if (length === undefined || received.length < head + 4 + Number(length)) return
      if (received.compare(ACCEPTED, 0, ACCEPTED.length, 0, ACCEPTED.length) !== 0) refuse()
      received = received.subarray(head + 4 + Number(length))
      send()
    })
  })
}

serve({}, { run }, async () => {})
