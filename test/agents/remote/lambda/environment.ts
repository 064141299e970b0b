import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { lambdaNodeClient, lambdaPythonClient } from '../../../../scripts/servers/lambda.ts'
import { type InvokeApi, type Invoked, serveInvoke } from './invoke-api.ts'

const MOST_BYTES = 6_291_556
/** What a process has said last, for who has to find out why it ended. */
const SAID_CHARACTERS = 2_000

/** How AWS's runtime client of one language is started. */
export interface Runtime {
  readonly name: string
  readonly command: () => readonly [string, ...string[]]
  readonly env: () => Readonly<Record<string, string>>
}

export const RUNTIMES: readonly Runtime[] = [
  { name: 'Node', command: () => [process.execPath, lambdaNodeClient()], env: () => ({}) },
  { name: 'Python', command: () => ['python3', '-m', 'awslambdaric'], env: () => ({ PYTHONPATH: lambdaPythonClient() }) },
]

interface Invocation {
  readonly id: string
  readonly event: Buffer
  readonly done: (invoked: Invoked) => void
}

/**
 * An execution environment: AWS's runtime client in a process of its own, to which events are given by the Lambda Runtime API
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). One event at a time; a process that ends, or that is ended because it
 * ran out of time, is followed by another at the next event.
 */
class Environment {
  readonly #runtime: Runtime
  readonly #handler: string
  readonly #timeoutMs: number
  readonly #server: Server
  #child: ChildProcess | undefined
  /** What is to be given out, and what has been. */
  #next: Invocation | undefined
  #current: Invocation | undefined
  #asks: ServerResponse | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(runtime: Runtime, handler: string, timeoutMs: number) {
    this.#runtime = runtime
    this.#handler = handler
    this.#timeoutMs = timeoutMs
    this.#server = createServer((request, response) => void this.#answer(request, response)).listen(0, '127.0.0.1')
  }

  get isFree(): boolean {
    return this.#next === undefined && this.#current === undefined
  }

  async invoke(event: Buffer): Promise<Invoked> {
    const { promise, resolve } = Promise.withResolvers<Invoked>()
    this.#next = { id: randomUUID(), event, done: resolve }
    if (this.#child === undefined) await this.#start()
    this.#give()
    return promise
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#kill()
  }

  async #start(): Promise<void> {
    if (!this.#server.listening) await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo // of a server that listens on TCP
    const [program, ...args] = this.#runtime.command()
    const child = spawn(program, [...args, this.#handler], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      env: {
        ...process.env,
        ...this.#runtime.env(),
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        AWS_LAMBDA_FUNCTION_NAME: 'orders',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/orders',
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/31/[$LATEST]0198f3c2',
        LAMBDA_TASK_ROOT: fileURLToPath(new URL('.', import.meta.url)),
        PYTHONDONTWRITEBYTECODE: '1',
        _HANDLER: this.#handler,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-SAID_CHARACTERS)
    })
    child.once('close', (code, signal) => {
      // One that was ended because it ran out of time has answered for itself, and another may be at work by now.
      if (this.#child !== child) return
      this.#child = undefined
      this.#asks = undefined
      const how = signal === null ? `exit status ${code}` : `signal: ${signal}`
      this.#fail('Runtime.ExitError', `Error: Runtime exited with error: ${how} ${said.replaceAll('\n', ' ')}`)
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? ''
    if (url.endsWith('/runtime/invocation/next')) {
      this.#asks = response
      this.#give()
      return
    }
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const payload = Buffer.concat(parts)
    const isCurrent = url.includes(`/runtime/invocation/${this.#current?.id}/`)
    if (isCurrent && url.endsWith('/response') && payload.length > MOST_BYTES) {
      response.writeHead(413).end('{}')
      this.#fail('Function.ResponseSizeTooLarge', `Response payload size exceeded maximum allowed payload size (${MOST_BYTES} bytes).`)
      return
    }
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
    if (isCurrent && url.endsWith('/response')) this.#finish({ payload: payload.toString('utf8') })
    else if (isCurrent || url.endsWith('/runtime/init/error'))
      this.#finish({ payload: payload.toString('utf8'), functionError: 'Unhandled' })
  }

  /** Hands the event to a process that asks for one. What it has in hand is due from now on. */
  #give(): void {
    if (this.#asks === undefined || this.#next === undefined) return
    const { id, event } = this.#next
    this.#current = this.#next
    this.#next = undefined
    this.#asks.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + this.#timeoutMs),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:123456789012:function:orders',
      'lambda-runtime-trace-id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700',
    })
    this.#asks.end(event)
    this.#asks = undefined
    this.#timer = setTimeout(() => {
      const seconds = (this.#timeoutMs / 1_000).toFixed(2)
      this.#fail('Sandbox.Timedout', `RequestId: ${id} Error: Task timed out after ${seconds} seconds`)
      void this.#kill()
    }, this.#timeoutMs)
  }

  #fail(errorType: string, errorMessage: string): void {
    this.#finish({ payload: JSON.stringify({ errorType, errorMessage }), functionError: 'Unhandled' })
  }

  #finish(invoked: Invoked): void {
    clearTimeout(this.#timer)
    const invocation = this.#current ?? this.#next
    this.#current = undefined
    this.#next = undefined
    invocation?.done(invoked)
  }

  async #kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }
}

export interface FunctionOptions {
  /** The handler, of the file `orders` beside this. */
  readonly handler?: string
  /** How long one event may take. Default 5 s. */
  readonly timeoutMs?: number
  /** Environments at most. Default 4. */
  readonly concurrency?: number
}

/** A function in Lambda: Invoke before, environments with AWS's runtime client behind. Throttles what they cannot take. */
export async function startFunction(runtime: Runtime, options: FunctionOptions = {}): Promise<InvokeApi> {
  const { handler = 'orders.handler', timeoutMs = 5_000, concurrency = 4 } = options
  const environments: Environment[] = []
  const api = await serveInvoke(event => {
    let free = environments.find(environment => environment.isFree)
    if (free === undefined && environments.length < concurrency) {
      free = new Environment(runtime, handler, timeoutMs)
      environments.push(free)
    }
    return free?.invoke(event) ?? { status: 429, type: 'TooManyRequestsException', message: 'Rate Exceeded.' }
  })
  return {
    ...api,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await Promise.all(environments.map(environment => environment.stop()))
    },
  }
}
