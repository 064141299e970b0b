import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { until } from '../../servers/until.ts'

const DEADLINE_MS = 10_000

export interface Heard {
  readonly event: string
  // What a test expects of the event is what it checks.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly data: any
}

/** A reader of server-sent events, on a real socket. */
export class Listener implements Disposable {
  readonly heard: Heard[] = []
  beats = 0
  ended = false
  readonly #request: ClientRequest
  readonly #response: IncomingMessage
  #rest = ''

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    // A server that stops cuts it off.
    for (const end of ['close', 'error']) response.on(end, () => (this.ended = true))
  }

  static open(url: string): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: false }, response => resolve(new Listener(sent, response)))
      sent.on('error', reject)
      sent.end()
    })
  }

  get status(): number | undefined {
    return this.#response.statusCode
  }

  get headers(): IncomingMessage['headers'] {
    return this.#response.headers
  }

  /** The first event of a name that is heard from now on, or has been heard and not been taken. */
  async next(event: string): Promise<Heard['data']> {
    return until(`event '${event}'`, DEADLINE_MS, () => {
      const index = this.heard.findIndex(heard => heard.event === event)
      if (index < 0) throw new Error(`heard: ${this.heard.map(heard => heard.event).join(', ') || 'nothing'}`)
      return this.heard.splice(index, 1)[0]!.data
    })
  }

  /** Leaves what comes in the socket. */
  stopReading(): void {
    this.#response.pause()
  }

  readOn(): void {
    this.#response.resume()
  }

  [Symbol.dispose](): void {
    this.#request.destroy()
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const lines = new Map(block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
      const event = lines.get('event')
      if (event !== undefined) this.heard.push({ event, data: JSON.parse(lines.get('data') ?? '') })
      else if (lines.has('')) this.beats++
    }
  }
}
