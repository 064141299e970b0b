import { fileURLToPath } from 'node:url'
import { type Duration, durationMs } from '../../duration.ts'
import { checkReplicas, type Replicas } from '../policies.ts'
import type { Remote } from '../remote.ts'
import { MAX_IN_HAND } from './child.ts'
import { Children } from './children.ts'

/** For two processes: more only wait, and what waits for long is dear to keep. */
const MOST_CONCURRENCY = 2 * MAX_IN_HAND

export interface CommandOptions {
  /**
   * How many processes of it run in each process of Millrace that runs the agent: so many, or as many as its load asks for,
   * `{ min: 1, max: 4 }`. Default 1.
   */
  readonly replicas?: number | Replicas
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
  const replicas = checkReplicas(say, options.replicas ?? 1)
  const { cwd, env = {} } = options
  const startMs = durationMs(options.startTimeout ?? '60s', `${say} startTimeout`)
  return {
    kind: 'remote',
    concurrency: Math.min(MOST_CONCURRENCY, replicas.max * MAX_IN_HAND),
    replicas,
    open: (agent, events) =>
      new Children({ command: program, cwd: cwd instanceof URL ? fileURLToPath(cwd) : cwd, env, startMs }, replicas.min, agent, events),
  }
}
