/**
 * `npm start`: runs the grid with its live page, gives its producer keys and starts it. Options: `--csv FILE` replays metered load
 * (columns hour, region, megawatts) in place of the simulation; `--rate N` data a second; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runBeside } from './beside.ts'
import { given, readFlags } from './flags.ts'
import { addKeys } from './keys.ts'
import { answer, millrace } from './millrace.ts'

const flags = readFlags(['csv', 'rate', 'listen', 'ops', 'data'])
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const keys = await addKeys(given(flags, ['data']))
const pipeline = millrace('dev', path('grid.ts'), '--page', path('page'), ...given(flags, ['listen', 'ops', 'data']))
const running = await answer(pipeline)
await keys.revokeOthers()
console.log(`The power grid is live at ${running.operators}\nIts console is at ${running.operators}/console/`)

const producer = spawn(process.execPath, [path('produce.ts'), '--url', String(running.listen), ...given(flags, ['csv', 'rate'])], {
  stdio: 'inherit',
  env: { ...process.env, ...keys.env },
})
await runBeside(pipeline, producer)
