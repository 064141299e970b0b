/**
 * `npm start`: runs the grid with its live page, gives its producer keys and starts it. Options: `--csv FILE` replays metered load
 * (columns hour, region, megawatts) in place of the simulation; `--rate N` data a second; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const options = readOptions()
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const NODE = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning']
const shared = ['--json', ...(options.data === undefined ? [] : ['--data', options.data])]

function millrace(...args: string[]): ChildProcess {
  const command = spawn(process.execPath, [...NODE, path('../../src/cli/main.ts'), ...args, ...shared], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  createInterface({ input: command.stderr! }).on('line', line => console.error(sentence(line)))
  return command
}

/** With --json errors and messages are a line of JSON each; people get the text. */
function sentence(line: string): string {
  if (!line.startsWith('{')) return line
  // docs/cli.md: what --json prints on stderr.
  const said = JSON.parse(line) as { message?: string; error?: { message: string; fix?: string } }
  return said.error === undefined ? (said.message ?? line) : [said.error.message, said.error.fix].join(' ').trim()
}

/** The first line that a command answers. */
async function answer(command: ChildProcess): Promise<Record<string, unknown>> {
  // stdout is a pipe: millrace() asked for one. The commands answer one JSON object.
  for await (const line of createInterface({ input: command.stdout! })) return JSON.parse(line) as Record<string, unknown>
  const code = command.exitCode ?? (await once(command, 'exit'))[0]
  process.exit(Number(code))
}

interface Key {
  readonly id: string
  readonly key: string
  readonly source: string
}

async function addKey(source: string, topic: string): Promise<Key> {
  return (await answer(millrace('keys', 'add', source, '--topic', topic))) as unknown as Key // docs/cli.md: what `keys add` answers
}

/** Earlier runs' keys, whose secrets are nowhere any more. */
async function revokeOthers(kept: readonly Key[]): Promise<void> {
  const { keys } = (await answer(millrace('keys', 'list'))) as unknown as { keys: Omit<Key, 'key'>[] }
  for (const old of keys) {
    if (kept.some(key => key.source === old.source && key.id !== old.id)) await answer(millrace('keys', 'revoke', old.id))
  }
}

const keys = [await addKey('generating-stations', 'generation'), await addKey('demand-stations', 'demand')] as const
const flags = (['listen', 'ops'] as const).flatMap(name => (options[name] === undefined ? [] : [`--${name}`, options[name]]))
const pipeline = millrace('dev', path('grid.ts'), '--page', path('page'), ...flags)
const running = await answer(pipeline)
// Not before it runs: where another process has the data directory, its producer's keys must stay.
await revokeOthers(keys)
console.log(`The power grid is live at ${running.operators}`)

const producer = spawn(
  process.execPath,
  [
    path('produce.ts'),
    '--url',
    String(running.listen),
    ...(options.csv === undefined ? [] : ['--csv', options.csv]),
    ...(options.rate === undefined ? [] : ['--rate', options.rate]),
  ],
  { stdio: 'inherit', env: { ...process.env, GRID_GENERATION_KEY: keys[0].key, GRID_DEMAND_KEY: keys[1].key } },
)
producer.on('exit', code => {
  if (code === null || code === 0) return
  process.exitCode = code
  stop()
})

/** The producer first: nothing new arrives while the pipeline finishes what it has. */
function stop(): void {
  producer.kill()
  pipeline.kill('SIGTERM')
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
const [code] = await once(pipeline, 'exit')
producer.kill()
process.exitCode ||= code ?? 1

function readOptions() {
  const known = {
    csv: { type: 'string' },
    rate: { type: 'string' },
    listen: { type: 'string' },
    ops: { type: 'string' },
    data: { type: 'string' },
  } as const
  try {
    return parseArgs({ options: known }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}. It may be given --${Object.keys(known).join(', --')}.`)
    process.exit(2)
  }
}
