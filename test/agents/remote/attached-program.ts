import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attached } from '../../../src/agents/remote/attached.ts'
import type { OpenRemote, Remote, RemoteAgentFacts, RemoteEvents } from '../../../src/agents/remote.ts'
import { systemClock } from '../../../src/clock.ts'
import { completeLimits } from '../../../src/frontend/limits.ts'
import { Desks } from '../../../src/runtime/attach/desks.ts'
import { listenForWorkers, type WorkListener } from '../../../src/runtime/attach/listener.ts'
import { silentLog } from '../../../src/runtime/log.ts'

/** attached(), behind a listener of its own, with a program that attaches to it and is started again whenever it ends, as an orchestrator would. */
export function attachedProgram(program: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Remote {
  const remote = attached()
  return { ...remote, open: (agent, events) => new Attached(remote, program, env, agent, events) }
}

class Attached implements OpenRemote {
  readonly #desk: OpenRemote
  readonly #listener: Promise<WorkListener>
  readonly #start: (url: string) => ChildProcess
  #child: ChildProcess | undefined
  #stopping = false

  constructor(
    remote: Remote,
    [file, ...args]: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
    agent: RemoteAgentFacts,
    events: RemoteEvents,
  ) {
    const id = `${agent.name}@${agent.version}`
    const desks = new Desks()
    this.#desk = remote.open(agent, { ...events, attach: desk => desks.open(id, desk) })
    this.#start = url => {
      const child = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...env, MILLRACE_URL: url, MILLRACE_AGENT: id },
      })
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', events.log)
      child.once('exit', () => {
        if (!this.#stopping) this.#child = this.#start(url)
      })
      return child
    }
    this.#listener = listenForWorkers({
      desks,
      address: { host: '127.0.0.1', port: 0 },
      keysFile: join(tmpdir(), 'millrace-no-keys', 'agent-keys.json'),
      limits: completeLimits(),
      clock: systemClock,
      log: silentLog,
    })
    void this.#listener.then(({ url }) => {
      this.#child = this.#start(url)
    })
  }

  take: OpenRemote['take'] = job => this.#desk.take(job)
  cancel: OpenRemote['cancel'] = () => this.#desk.cancel()

  async stop(graceMs: number): Promise<void> {
    const listener = await this.#listener
    this.#stopping = true
    const ended = this.#child && once(this.#child, 'exit')
    this.#child?.kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM')
    await ended
    await this.#desk.stop(graceMs)
    await listener.close(graceMs)
  }
}
