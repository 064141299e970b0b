import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Writable } from 'node:stream'
import { until } from './until.ts'

const START_MS = 60_000
const STOP_MS = 30_000
const SHOWN_LINES = 30

/**
 * Starts a server that dies with us, even when we are killed: a watcher beside it reads a pipe of which we hold the other end. When we
 * die, however that happens, the kernel closes our end, the watcher reads the end of it and kills the server. When the server ends
 * first, we write a line and the watcher goes, so that it never kills a process that was given the same id later. The server takes the
 * shell's place by exec, so its id is the one that we see; the watcher is nobody's child, for a server that counts its children.
 */
const WATCHED = '( (read -r ended || kill -KILL $$) <&3 >/dev/null 2>&1 & ); exec "$@" 3<&-'

export interface ServerOptions {
  /** As in messages: `Kafka node 1`. */
  readonly name: string
  readonly command: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Whom it runs as: PostgreSQL refuses to be root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  /** Everything that it prints, from every start, one after another. */
  readonly logFile: string
  /** With which it stops in good order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals
  /** One attempt to use it; rejects while it is not up. An open port is not enough: servers open theirs before they answer. */
  readonly ready: () => Promise<unknown>
}

/** One server as a child process: `down → starting → up → down`, again and again with the same command, port and folder. */
export class ServerProcess {
  readonly #options: ServerOptions
  #child: ChildProcess | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor(options: ServerOptions) {
    this.#options = options
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Everything that it has printed. */
  get log(): string {
    const { logFile } = this.#options
    return existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''
  }

  /** Resolves when it can be used. @throws when it ends before that, or not in time, with the end of its log. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new TypeError(`${this.#options.name} runs already`)
    endWithParent()
    const child = this.#spawn()
    this.#child = child
    let ending: string | undefined
    this.#ended = new Promise(resolve => {
      const end = (how: string) => {
        ending = how
        this.#child = undefined
        resolve(how)
      }
      child.once('error', error => end(error.message))
      child.once('exit', (code, signal) => {
        // stdio[3] is a pipe that we write to: asked for so below.
        ;(child.stdio[3] as Writable).end('ended\n')
        end(`exit code ${code ?? signal}`)
      })
    })
    try {
      await until(`${this.#options.name} is up`, START_MS, () => (ending === undefined ? this.#options.ready() : undefined))
    } catch (cause) {
      await this.kill()
      throw this.#failed('does not come up', cause)
    }
    if (ending !== undefined) throw this.#failed(`ended at its start (${ending})`)
  }

  /** Ends it in good order. @throws when it must be killed after all. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    child.kill(this.#options.stopSignal ?? 'SIGTERM')
    const late = AbortSignal.timeout(STOP_MS)
    await Promise.race([this.#ended, new Promise(resolve => late.addEventListener('abort', resolve, { once: true }))])
    if (this.#child === undefined) return
    await this.kill()
    throw this.#failed(`did not stop within ${STOP_MS} ms and was killed`)
  }

  /** Ends it as a crash does: SIGKILL, nothing is written any more. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** Starts it again; one that runs is stopped first. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  #spawn(): ChildProcess {
    const { command, cwd, env, user, logFile } = this.#options
    const log = openSync(logFile, 'a')
    try {
      return spawn('/bin/sh', ['-c', WATCHED, basename(command[0]!), ...command], {
        cwd,
        env: { ...process.env, ...env },
        stdio: ['ignore', log, log, 'pipe'],
        // A session of its own: Ctrl-C in a terminal reaches us alone, and we stop it in good order.
        detached: true,
        ...user,
      })
    } finally {
      closeSync(log)
    }
  }

  #failed(what: string, cause?: unknown): Error {
    const tail = this.log.split('\n').slice(-SHOWN_LINES).join('\n')
    return new Error(`${this.#options.name} ${what}. The end of ${this.#options.logFile}:\n${tail}`, { cause })
  }
}

let tied = false

/** A test runner's worker whose parent was killed would go on to the end of its tests, and its servers with it. */
function endWithParent(): void {
  if (tied || !process.connected) return
  tied = true
  process.once('disconnect', () => process.exit(1))
}
