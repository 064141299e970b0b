import { type IncomingHttpHeaders, request } from 'node:http'
import { type OpsOptions, startOps } from '../../src/console/index.ts'
import { createHealth, type Health } from '../../src/instrumentation/health.ts'
import { createInstruments, type Instruments } from '../../src/instrumentation/instruments.ts'
import { Scene } from '../trace/scene.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // What a test expects of the answer is what it checks.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly json: any
}

/** The operators' listener on a real socket, before a real engine. */
export interface Listening extends AsyncDisposable {
  readonly url: string
  readonly routes: readonly string[]
  readonly scene: Scene
  readonly health: Health
  readonly instruments: Instruments
  readonly warnings: string[]
  use: Awaited<ReturnType<typeof startOps>>['use']
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Answer>
}

export async function listen(topics: readonly string[], options: Partial<OpsOptions> = {}): Promise<Listening> {
  const scene = await Scene.open(...topics)
  const warnings: string[] = []
  const health = createHealth(['engine'])
  const instruments = createInstruments({ engine: scene.engine, clock: scene.clock })
  if (options.pipeline !== undefined) instruments.use(options.pipeline)
  const ops = await startOps({
    engine: scene.engine,
    instruments,
    health,
    clock: scene.clock,
    address: { host: '127.0.0.1', port: 0 },
    runsOn: { stream: 'embedded', trace: 'embedded', version: '0.1.0' },
    log: { warn: text => void warnings.push(text) },
    ...options,
  }).catch(async error => {
    await instruments.close()
    await scene[Symbol.asyncDispose]()
    throw error
  })
  const { url } = ops
  return {
    url,
    routes: ops.routes,
    scene,
    health,
    instruments,
    warnings,
    use: ops.use,
    get: (path, headers = {}) => ask(url, 'GET', path, headers),
    post: (path, body, headers = {}) =>
      ask(url, 'POST', path, { 'content-type': 'application/json', ...headers }, typeof body === 'string' ? body : JSON.stringify(body)),
    ask: (method, path, headers = {}) => ask(url, method, path, headers),
    async [Symbol.asyncDispose]() {
      await ops.close()
      await instruments.close()
      await scene[Symbol.asyncDispose]()
    },
  }
}

/** A path is sent as it is written: fetch would tidy `..` away before the server sees it. */
function ask(url: string, method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostname, port, method, path, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = response.headers['content-type']?.includes('json') === true && text !== ''
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
