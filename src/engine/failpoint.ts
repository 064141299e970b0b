/**
 * Where the process can be made to die, so that tests can prove what a crash at each step of the protocol leaves behind.
 * Called once a batch at most; a no-op unless MILLRACE_FAILPOINT names the point.
 */
export type Failpoint =
  | 'after-append'
  | 'after-claim'
  | 'after-handler'
  | 'after-journal'
  | 'in-commit'
  | 'after-commit'
  | 'after-intent'
  | 'in-roll'
  | 'after-roll'
  | 'in-snapshot'

/** `name` or `name:N`: die at the Nth time this thread passes. */
const armed = parse(process.env.MILLRACE_FAILPOINT)
let passed = 0

/** Dies by SIGKILL, as by a power cut: no handler runs, nothing is flushed. */
export function failpoint(name: Failpoint): void {
  if (armed === undefined || armed.name !== name) return
  passed++
  if (passed === armed.time) process.kill(process.pid, 'SIGKILL')
}

function parse(setting: string | undefined): { name: string; time: number } | undefined {
  if (setting === undefined || setting === '') return undefined
  const [name = '', time = '1'] = setting.split(':')
  return { name, time: Number(time) }
}
