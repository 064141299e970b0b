/**
 * `npm start`: runs the grid with its live page, gives its producer keys and starts it. Options: `--csv FILE` replays metered load
 * (columns hour, region, megawatts) in place of the simulation; `--rate N` data a second; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { addKeys } from './keys.ts'
import { answer, millrace } from './millrace.ts'

const options = readOptions()
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const data = options.data === undefined ? [] : ['--data', options.data]

const keys = await addKeys(data)
const flags = (['listen', 'ops'] as const).flatMap(name => (options[name] === undefined ? [] : [`--${name}`, options[name]]))
const pipeline = millrace('dev', path('grid.ts'), '--page', path('page'), ...flags, ...data)
const running = await answer(pipeline)
await keys.revokeOthers()
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
  { stdio: 'inherit', env: { ...process.env, ...keys.env } },
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
