import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** What node is told to run a command of this checkout: its answer is one line of JSON, as is what it says on stderr. */
export function commandLine(...args: readonly string[]): string[] {
  return ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', MAIN, ...args, '--json']
}

/** Starts a command; what it says is shown as sentences. */
export function millrace(...args: readonly string[]): ChildProcess {
  const command = spawn(process.execPath, commandLine(...args), { stdio: ['ignore', 'pipe', 'pipe'] })
  createInterface({ input: command.stderr! }).on('line', line => console.error(sentence(line)))
  return command
}

/** With --json errors and messages are a line of JSON each; people get the text. */
export function sentence(line: string): string {
  if (!line.startsWith('{')) return line
  // docs/cli.md: what --json prints on stderr.
  const said = JSON.parse(line) as { message?: string; error?: { message: string; fix?: string } }
  return said.error === undefined ? (said.message ?? line) : [said.error.message, said.error.fix].join(' ').trim()
}

/** The first line that a command answers. Where it fails instead we end with its exit code; why has been shown. */
export async function answer(command: ChildProcess): Promise<Record<string, unknown>> {
  // stdout is a pipe: millrace() asked for one. The commands answer one JSON object.
  for await (const line of createInterface({ input: command.stdout! })) return JSON.parse(line) as Record<string, unknown>
  const code = command.exitCode ?? (await once(command, 'exit'))[0]
  process.exit(Number(code))
}
