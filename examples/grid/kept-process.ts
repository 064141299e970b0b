import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** Long enough to be seen. */
const PAUSE_MS = 1_000
/** Each process drains within 10 s of its own accord; one that hangs must not hold up the stop of all. */
const STOP_MS = 11_000

/**
 * It dies with us, even when we are killed: a watcher beside it reads a pipe whose other end we hold, and kills it when that end is gone.
 * When it ends first we write a line and the watcher goes, so that no other process is killed that was given its id.
 */
const TIED = '( (read -r ended || kill -KILL $$) <&3 >/dev/null 2>&1 & ); exec "$@" 3<&-'

export interface Kept {
  /** What node is to run. */
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Told of everything that happens, a sentence each. */
  readonly say: (text: string) => void
  /** Told each line of its stdout. */
  readonly line: (text: string) => void
  /** A line of its stderr, as it is to be shown. */
  readonly shown: (text: string) => string
  /** Whether this end is for good; else it is started again. */
  readonly isOver: (end: End) => boolean
}

/** How a process ended: one of the two. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that is started again whenever it dies: `up → down → (a pause) → up …`, until it is over or stopped. */
export class KeptProcess {
  /** Resolves with the exit code when it is over; never where it is stopped first. */
  readonly over: Promise<number>
  readonly #kept: Kept
  readonly #stopping = new AbortController()
  readonly #life: Promise<End | undefined>
  #child: ChildProcess | undefined

  constructor(kept: Kept) {
    this.#kept = kept
    this.#life = this.#keep()
    this.over = this.#life.then(end => (end === undefined ? new Promise<never>(() => undefined) : (end.code ?? 1)))
  }

  /** Of the process as it runs now. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill('SIGTERM')
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_MS)
    await this.#life
    clearTimeout(late)
  }

  /** @returns how it ended for good; undefined where it was stopped. */
  async #keep(): Promise<End | undefined> {
    const { signal } = this.#stopping
    for (;;) {
      const end = await this.#run()
      if (signal.aborted) return undefined
      if (this.#kept.isOver(end)) return end
      this.#kept.say(`${end.signal === null ? `ended with ${end.code}` : `was killed by ${end.signal}`}: starting it again`)
      await sleep(PAUSE_MS, undefined, { signal }).catch(ignoreAbort)
      if (signal.aborted) return undefined
    }
  }

  async #run(): Promise<End> {
    const { args, cwd, env, say, line, shown } = this.#kept
    const child = spawn('/bin/sh', ['-c', TIED, 'sh', process.execPath, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // A session of its own: Ctrl-C in a terminal reaches us alone, and we stop all of them in order.
      detached: true,
    })
    this.#child = child
    say(`pid ${child.pid} starts`)
    // Asked for as pipes above.
    const [, stdout, stderr, tie] = child.stdio as unknown as [null, Readable, Readable, Writable]
    // The watcher may be gone already when it is told to go.
    tie.on('error', () => undefined)
    createInterface({ input: stdout }).on('line', line)
    createInterface({ input: stderr }).on('line', text => say(shown(text)))
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null] // node's own documentation
    tie.end('ended\n')
    this.#child = undefined
    return { code, signal }
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
