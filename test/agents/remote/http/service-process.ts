import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../servers/port.ts'

/** A service in a process of its own, which is started again at the same port when it ends, as whoever runs services does. */
export class ServiceProcess implements AsyncDisposable {
  readonly port: number
  readonly #script: string
  #child: ChildProcess | undefined
  #downMs = 0
  #stopped = false
  #listens: () => void = () => undefined

  private constructor(port: number, script: string) {
    this.port = port
    this.#script = script
  }

  /** @param script run as `node script port`; it prints a line once it listens. */
  static async start(script: string): Promise<ServiceProcess> {
    const service = new ServiceProcess(await freePort(), script)
    const up = service.#up()
    service.#run()
    await up
    return service
  }

  /** Ends it as the kernel does, and starts it again after so long. Resolves when it listens. */
  async kill(downMs = 0): Promise<void> {
    this.#downMs = downMs
    const up = this.#up()
    this.#child!.kill('SIGKILL')
    await up
    this.#downMs = 0
  }

  /** Stops it as it stands, and lets it go on after so long. */
  async freeze(forMs: number): Promise<void> {
    this.#child!.kill('SIGSTOP')
    await sleep(forMs)
    this.#child!.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    const child = this.#child!
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }

  #up(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#listens = resolve
    return promise
  }

  #run(): void {
    const child = spawn(process.execPath, [this.#script, String(this.port)], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    child.stdout.once('data', () => this.#listens())
    child.once('close', async () => {
      await sleep(this.#downMs)
      if (!this.#stopped) this.#run()
    })
  }
}
