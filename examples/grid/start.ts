/**
 * `npm start`: runs the grid with its live page, gives its producer keys and starts it. Options: `--csv FILE` replays metered load
 * (columns hour, region, megawatts) in place of the simulation; `--rate N` data a second; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    csv: { type: 'string' },
    rate: { type: 'string' },
    listen: { type: 'string' },
    ops: { type: 'string' },
    data: { type: 'string' },
  },
})
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const NODE = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning']
const shared = ['--json', ...(options.data === undefined ? [] : ['--data', options.data])]

function millrace(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...NODE, path('../../src/cli/main.ts'), ...args, ...shared], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The first line that a command answers. */
async function answer(command: ChildProcess): Promise<Record<string, unknown>> {
  // stdout is a pipe: millrace() asked for one. The commands answer one JSON object.
  for await (const line of createInterface({ input: command.stdout! })) return JSON.parse(line) as Record<string, unknown>
  const code = command.exitCode ?? (await once(command, 'exit'))[0]
  process.exit(Number(code))
}

/** A fresh key for one kind of station; last run's is revoked, since its secret is nowhere any more. */
async function keyFor(source: string, topic: string): Promise<string> {
  const { keys } = (await answer(millrace('keys', 'list'))) as { keys: { id: string; source: string }[] }
  for (const old of keys.filter(key => key.source === source)) await answer(millrace('keys', 'revoke', old.id))
  return String((await answer(millrace('keys', 'add', source, '--topic', topic))).key)
}

const [generationKey, demandKey] = [await keyFor('generating-stations', 'generation'), await keyFor('demand-stations', 'demand')]
const flags = (['listen', 'ops'] as const).flatMap(name => (options[name] === undefined ? [] : [`--${name}`, options[name]]))
const pipeline = millrace('dev', path('grid.ts'), '--page', path('page'), ...flags)
const running = await answer(pipeline)
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
  { stdio: 'inherit', env: { ...process.env, GRID_GENERATION_KEY: generationKey, GRID_DEMAND_KEY: demandKey } },
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
