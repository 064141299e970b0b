import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import type { Target } from '../agent.ts'
import { BusyTime } from '../busy-time.ts'
import type { Job, RemoteAgentFacts } from '../remote.ts'
import { encoded } from './encoded.ts'
import { InHand } from './in-hand.ts'
import type { JobQueue } from './job-queue.ts'
import { Lines } from './lines.ts'
import { type Answer, broken, type FromProgram, PROTOCOL, readMessage, STDOUT, type ToProgram } from './messages.ts'

/** So many data a process has in hand at most: the next batch lies there before it has answered the last. */
export const MAX_IN_HAND = 500
/** A message has at most so many bytes, either way. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
/** A batch is closed when it has so many. */
const BATCH_BYTES = 1024 * 1024
/** What a process has not read yet. Beyond it nothing more is sent. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024
const MAX_LOG_LINE_BYTES = 8 * 1024
/** A process with nothing in hand is asked so often whether it is there, and has as long to answer. */
const PING_MS = 10_000
const WINDOWS = process.platform === 'win32'

/** How a program is started. */
export interface Program {
  /** For a shell where it is one text; else a file and its arguments. */
  readonly command: string | readonly [string, ...string[]]
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** How long it may take until it says hello. */
  readonly startMs: number
}

export interface ChildEvents {
  /** It has said hello. */
  readonly ready: () => void
  /** It has answered, and may be given more. */
  readonly free: () => void
  /** It is gone, or as good as that: nothing that it says counts any more. `left`: what it had in hand. Called once. */
  readonly ended: (why: MillraceError, left: readonly Job[]) => void
  readonly log: (line: string) => void
}

/**
 * One process of a program that speaks docs/protocol.md on its stdin and stdout.
 *
 *   starting → idle ⇄ pinged           it says hello; with nothing in hand it is asked now and then
 *              idle ⇄ working          it has data in hand, and must answer one of them within the agent's timeout
 *   any → over                         it has ended, or broken the protocol, or run out of time: it is killed
 */
export class Child {
  /** Whether it has answered anything. */
  hasAnswered = false
  /** Given to it by itself, to see what becomes of it. */
  alone = false
  /** Counts the time in which it has something in hand. */
  readonly busy = new BusyTime()
  readonly #program: Program
  readonly #agent: RemoteAgentFacts
  readonly #events: ChildEvents
  readonly #clock: Clock
  readonly #targets: ReadonlyMap<string, Target>
  readonly #process: ChildProcess
  readonly #inHand = new InHand(MAX_IN_HAND)
  readonly #gone: Promise<void>
  #state: 'starting' | 'idle' | 'pinged' | 'working' | 'over' = 'starting'
  #draining = false
  #lastLine = ''
  #dueMs = 0
  /** When the timer looks; never later than what is due. */
  #looksMs = Number.POSITIVE_INFINITY
  #cancelWatch: () => void = () => undefined

  constructor(program: Program, agent: RemoteAgentFacts, events: ChildEvents) {
    this.#program = program
    this.#agent = agent
    this.#events = events
    this.#clock = agent.clock
    this.#targets = new Map(agent.to.map(target => [target.name, target]))
    this.#process = started(program, agent)
    const { stdin, stdout, stderr } = this.#process
    // Whoever does not read any more has ended, and that is told by `close`.
    stdin?.on('error', () => undefined)
    stdin?.on('drain', () => this.#state === 'over' || events.free())
    const said = new Lines(
      MAX_MESSAGE_BYTES,
      line => this.#heard(line),
      start => this.#break(broken(`it printed a line of more than ${MAX_MESSAGE_BYTES} bytes that begins ${start}`, STDOUT)),
    )
    stdout?.on('data', (chunk: Buffer) => said.push(chunk))
    const logged = new Lines(
      MAX_LOG_LINE_BYTES,
      line => this.#logged(line),
      start => this.#logged(`${start}…`),
    )
    stderr?.on('data', (chunk: Buffer) => logged.push(chunk))
    this.#gone = new Promise(resolve => {
      this.#process.once('error', error => {
        this.#end(this.#crashed(`cannot be started: ${error.message}`))
        resolve()
      })
      this.#process.once('close', (code, signal) => {
        logged.end()
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
        this.#end(this.#crashed(this.#lastLine === '' ? how : `${how}: ${this.#lastLine}`))
        resolve()
      })
    })
    this.#expect('starting', program.startMs)
    const { name, version, addressed } = agent
    this.#send({ type: 'hello', protocol: PROTOCOL, agent: name, version, codec: 'json', targets: [...this.#targets.keys()], addressed })
  }

  get isReady(): boolean {
    return this.#state !== 'starting' && this.#state !== 'over' && !this.#draining
  }

  /** How many data it has in hand. */
  get inHand(): number {
    return this.#inHand.size
  }

  /** Whether it reads what it is sent. */
  get mayGive(): boolean {
    return this.isReady && (this.#process.stdin?.writableLength ?? 0) < MAX_UNREAD_BYTES
  }

  /** Gives it jobs from the queue's beginning, at most so many, for which it has room, and about a megabyte. @returns how many of the queue are taken. */
  give(queue: JobQueue, most: number): number {
    const items: string[] = []
    let bytes = 0
    let taken = 0
    for (; taken < queue.length && items.length < most && bytes < BATCH_BYTES; taken++) {
      const job = queue.at(taken)
      if (job.aborted) continue
      const n = this.#inHand.put(job)
      try {
        const item = encoded(n, job)
        items.push(item)
        bytes += item.length
      } catch (error) {
        this.#inHand.take(n)
        job.failed(error)
      }
    }
    if (items.length === 0) return taken
    if (this.#state !== 'working') {
      this.busy.begin(this.#clock.now())
      this.#expect('working', this.#agent.timeoutMs)
    }
    // Joined in one go: text that is put together of this would be copied once more.
    items[0] = `{"type":"batch","data":[${items[0]}`
    items[items.length - 1] += ']}\n'
    this.#process.stdin?.write(items.join(','))
    return taken
  }

  /** Tells it of data in its hands that nobody waits for. They stay in hand until they are answered. */
  cancelAborted(): void {
    if (!this.isReady) return
    const n = this.#inHand.aborted()
    if (n.length > 0) this.#send({ type: 'cancel', n })
  }

  /** Lets it end by itself; kills it after so long. */
  async stop(graceMs: number): Promise<void> {
    this.#draining = true
    if (this.#state !== 'over') {
      this.#send({ type: 'drain' })
      this.#process.stdin?.end()
    }
    if (graceMs === 0) this.#kill()
    const cancel = this.#clock.after(graceMs, () => this.#kill())
    await this.#gone
    cancel()
  }

  /** Ends it at once; what it had in hand is told with the reason. */
  #break(why: MillraceError): void {
    this.#end(why)
    this.#kill()
  }

  #end(why: MillraceError): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#cancelWatch()
    this.#events.ended(why, this.#inHand.takeAll())
  }

  /** All that it has started, too: a shell would leave its program behind. */
  #kill(): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(WINDOWS ? pid : -pid, 'SIGKILL')
    } catch (error) {
      // It has ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #send(message: ToProgram): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  #heard(line: string): void {
    if (this.#state === 'over' || line === '') return
    let message: FromProgram
    try {
      message = readMessage(line, this.#targets, this.#agent.addressed)
      if ((message.type === 'hello') !== (this.#state === 'starting')) throw broken(`it sent ${message.type} when it was ${this.#state}`)
    } catch (error) {
      this.#break(error as MillraceError)
      return
    }
    if (message.type === 'results') this.#answered(message.results)
    else if (message.type === 'hello') {
      this.#expect('idle', PING_MS)
      this.#events.ready()
    } else if (this.#state === 'pinged') this.#expect('idle', PING_MS)
  }

  #answered(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const job = this.#inHand.take(answer.n)
      if (job === undefined) {
        this.#break(broken(`it answered a datum ${answer.n}, which it does not have in hand`))
        return
      }
      if ('error' in answer) job.failed(answer.error)
      else job.done(answer.outputs)
    }
    this.hasAnswered = true
    if (this.#inHand.size === 0) {
      if (this.#state === 'working') this.busy.end(this.#clock.now())
      this.#expect('idle', PING_MS)
    } else this.#expect('working', this.#agent.timeoutMs)
    this.#events.free()
  }

  /** One timer for all that may be late: every answer puts off what is due, and the timer is left to look again. */
  #expect(state: 'starting' | 'idle' | 'pinged' | 'working', withinMs: number): void {
    this.#state = state
    this.#dueMs = this.#clock.now() + withinMs
    if (this.#dueMs < this.#looksMs) this.#lookAt(this.#dueMs)
  }

  #lookAt(ms: number): void {
    this.#cancelWatch()
    this.#looksMs = ms
    this.#cancelWatch = this.#clock.after(Math.max(0, ms - this.#clock.now()), () => {
      this.#looksMs = Number.POSITIVE_INFINITY
      if (this.#dueMs > this.#clock.now()) this.#lookAt(this.#dueMs)
      else this.#late()
    })
  }

  #late(): void {
    const { timeoutMs } = this.#agent
    if (this.#state === 'working') {
      this.#break(
        new MillraceError(
          'HANDLER_TIMEOUT',
          `${this.#name} answered none of the ${this.#inHand.size} data in its hands for ${timeoutMs} ms.`,
          {
            fix: "Raise the agent's timeout, or let the program do less at once.",
          },
        ),
      )
    } else if (this.#state === 'idle') {
      this.#send({ type: 'ping' })
      this.#expect('pinged', PING_MS)
    } else if (this.#state === 'pinged') this.#break(this.#crashed(`gave no answer for ${PING_MS} ms though it had nothing to do`))
    else this.#break(this.#crashed(`did not say hello within ${this.#program.startMs} ms`))
  }

  #logged(line: string): void {
    if (line.trim() !== '') this.#lastLine = line.trim()
    this.#events.log(line)
  }

  #crashed(how: string): MillraceError {
    return new MillraceError('AGENT_CRASHED', `${this.#name} ${how}.`.replace(/\.+$/, '.'))
  }

  get #name(): string {
    const { command } = this.#program
    return `The program of ${this.#agent.name}@${this.#agent.version} (${typeof command === 'string' ? command : command.join(' ')})`
  }
}

/** In a group of its own, so that all of it can be ended, and the terminal's Ctrl-C leaves it to us to let it finish. */
function started({ command, cwd, env }: Program, { name, version }: RemoteAgentFacts): ChildProcess {
  const options = {
    stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'],
    detached: !WINDOWS,
    env: { ...process.env, MILLRACE_AGENT: `${name}@${version}`, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  }
  if (typeof command === 'string') return spawn(command, { ...options, shell: true })
  const [file, ...args] = command
  return spawn(file, args, options)
}
