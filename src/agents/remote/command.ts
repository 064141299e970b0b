import { fileURLToPath } from 'node:url'
import { checkCount } from '../../count.ts'
import { type Duration, durationMs } from '../../duration.ts'
import type { Remote } from '../remote.ts'
import { Children } from './children.ts'

/** More gains nothing: that many are on their way to a process while it works on the others. */
const CONCURRENCY = 1_000

export interface CommandOptions {
  /** How many processes of it run in each process of Millrace that runs the agent. Default 1. */
  readonly replicas?: number
  /** How long it may take until it says hello: models take their time to load. Default `'60s'`. */
  readonly startTimeout?: Duration
  /** The directory that it runs in. Default: Millrace's own. */
  readonly cwd?: string | URL
  /** Environment variables beside Millrace's own. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs a program for a remote agent: a long-lived child process that is given data on its stdin and answers on its stdout (docs/protocol.md).
 * What it writes to stderr becomes the agent's log.
 * @param program one text for a shell, `'python3 mood.py'`; or a file and its arguments, `['python3', 'mood.py']`, without a shell.
 */
export function command(program: string | readonly [string, ...string[]], options: CommandOptions = {}): Remote {
  const say = 'command(…)'
  if (program.length === 0 || program[0] === '') throw new TypeError(`${say} needs a program to run, such as command('python3 mood.py').`)
  const replicas = checkCount(`${say} replicas`, options.replicas ?? 1, 1_000)
  const { cwd, env = {} } = options
  const startMs = durationMs(options.startTimeout ?? '60s', `${say} startTimeout`)
  return {
    kind: 'remote',
    concurrency: CONCURRENCY,
    open: (agent, events) =>
      new Children({ command: program, cwd: cwd instanceof URL ? fileURLToPath(cwd) : cwd, env, startMs }, replicas, agent, events),
  }
}
