import { spawnSync } from 'node:child_process'

/** The longest step builds an API server, in a quarter of an hour; what takes longer than this hangs. */
const LONGEST_MS = 45 * 60_000

export interface Run {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program to its end and returns what it printed. @throws when it fails, with the end of what it said. */
export function run(program: string, args: readonly string[], { cwd, env }: Run = {}): string {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64_000_000,
    timeout: LONGEST_MS,
  })
  if (error !== undefined) throw error
  if (status === 0) return stdout
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new Error(`${program} ${args.join(' ')} ended with ${status ?? signal}:\n${said}`)
}

/** Whether a program is there to be run. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status === 0
}

/** @throws a sentence that says what is missing, what for, and where it comes from. */
export function need(program: string, purpose: string, from: string): void {
  if (!has(program)) throw new Error(`${program} is missing, which is needed ${purpose}. Install it (${from}), then run this again.`)
}
