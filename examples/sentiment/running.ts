import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { answer, commandLine, millrace } from '../grid/millrace.ts'

const PATIENCE_MS = 120_000
const LOOK_MS = 100
const PRODUCER = fileURLToPath(new URL('produce.py', import.meta.url))

/** Of an agent in `GET /v1/agents`, what is looked at. */
interface AgentAnswer {
  readonly agent: string
  readonly version: number
  readonly shadow?: boolean
  readonly state: string
  readonly done: number
}

/** The pipeline and its producer, each a process, and the commands that are given meanwhile. */
export class Running {
  readonly #pipeline: ChildProcess
  readonly #operators: string
  readonly #producer: ChildProcess
  #said = ''

  private constructor(pipeline: ChildProcess, operators: string, producer: ChildProcess) {
    this.#pipeline = pipeline
    this.#operators = operators
    this.#producer = producer
    createInterface({ input: producer.stdout! }).on('line', line => {
      this.#said = line
    })
  }

  static async start(file: string, produce: readonly string[]): Promise<Running> {
    const pipeline = millrace('dev', file, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0')
    const { listen, operators } = await answer(pipeline)
    const producer = spawn('python3', [PRODUCER, '--url', String(listen), ...produce], { stdio: ['ignore', 'pipe', 'inherit'] })
    return new Running(pipeline, String(operators), producer)
  }

  /** Gives a command and shows it. @returns its answer. @throws what it says where it fails. */
  async command<Answer>(...args: readonly string[]): Promise<Answer> {
    console.log(`  millrace ${args.join(' ')}`)
    const { stdout } = await promisify(execFile)(process.execPath, commandLine(...args))
    // As docs/cli.md has it.
    return JSON.parse(stdout) as Answer
  }

  /** Waits until an agent, named as `millrace agents` names it, is in a state and has handled so many. */
  async agent(name: string, state: string, done = 0): Promise<void> {
    await this.until(`${name} to be ${state} and to have handled ${done}`, async () => {
      // docs/instrumentation.md
      const { agents } = (await (await fetch(`${this.#operators}/v1/agents`)).json()) as { agents: AgentAnswer[] }
      const named = agents.find(({ agent, version, shadow }) => `${agent}@${version}${shadow === true ? ' (shadow)' : ''}` === name)
      return named?.state === state && named.done >= done
    })
  }

  /** Waits for a condition, with a deadline. */
  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !(await check()); await sleep(LOOK_MS)) {
      for (const { exitCode, spawnfile } of [this.#pipeline, this.#producer])
        if (exitCode !== null && exitCode !== 0) throw new Error(`${spawnfile} has ended with ${exitCode}.`)
      if (Date.now() > end) throw new Error(`Still waiting for ${what} after ${PATIENCE_MS / 1000} s.`)
    }
  }

  /** Lets the producer send what it has in hand. @returns how much it has sent in all. */
  async endProducer(): Promise<number> {
    const exited = once(this.#producer, 'close')
    this.#producer.kill('SIGTERM')
    await exited
    console.log(`  ${this.#said}`)
    return Number.parseInt(this.#said, 10)
  }

  async stop(): Promise<void> {
    this.#producer.kill('SIGKILL')
    if (this.#pipeline.exitCode !== null || this.#pipeline.signalCode !== null) return
    const exited = once(this.#pipeline, 'exit')
    this.#pipeline.kill('SIGTERM')
    await exited
  }
}
