/**
 * `npm run sentiment`: runs the pipeline and sends it feedback that is made up. Options: `--postgres URL` stores there in place of
 * `./sentiment.db`; `--seed N`, `--customers N`, `--rounds N`, `--rate N`, `--truth FILE` as of produce.py; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runBeside } from '../grid/beside.ts'
import { given, readFlags } from '../grid/flags.ts'
import { answer, millrace } from '../grid/millrace.ts'

const PIPELINE_FLAGS = ['listen', 'ops', 'data'] as const
const PRODUCER_FLAGS = ['seed', 'customers', 'rounds', 'rate', 'truth'] as const

const flags = readFlags([...PIPELINE_FLAGS, ...PRODUCER_FLAGS, 'postgres'])
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

if (flags.postgres !== undefined) process.env.SENTIMENT_POSTGRES = flags.postgres
const pipeline = millrace('dev', path('sentiment.ts'), ...given(flags, PIPELINE_FLAGS))
const running = await answer(pipeline)
const where = flags.postgres === undefined ? './sentiment.db' : 'PostgreSQL'
console.log(`Feedback is taken at ${running.listen}; it and what the model makes of it are rows in ${where}`)

const producer = spawn('python3', [path('produce.py'), '--url', String(running.listen), ...given(flags, PRODUCER_FLAGS)], {
  stdio: 'inherit',
})
await runBeside(pipeline, producer)
