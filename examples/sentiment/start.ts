/**
 * `npm run sentiment`: runs the pipeline and sends it feedback that is made up. Options: `--postgres URL` stores there in place of
 * `./sentiment.db`; `--seed N`, `--customers N`, `--rounds N`, `--rate N`, `--truth FILE` as of produce.py; `--listen`, `--ops`, `--data` as of `millrace dev`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { answer, millrace } from '../grid/millrace.ts'

const PIPELINE_FLAGS = ['listen', 'ops', 'data'] as const
const PRODUCER_FLAGS = ['seed', 'customers', 'rounds', 'rate', 'truth'] as const

const options = readOptions()
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const given = (names: readonly (keyof typeof options)[]) =>
  names.flatMap(name => (options[name] === undefined ? [] : [`--${name}`, options[name]]))

if (options.postgres !== undefined) process.env.SENTIMENT_POSTGRES = options.postgres
const pipeline = millrace('dev', path('sentiment.ts'), ...given(PIPELINE_FLAGS))
const running = await answer(pipeline)
const where = options.postgres === undefined ? './sentiment.db' : 'PostgreSQL'
console.log(`Feedback is taken at ${running.listen}; it and what the model makes of it are rows in ${where}`)

const producer = spawn('python3', [path('produce.py'), '--url', String(running.listen), ...given(PRODUCER_FLAGS)], { stdio: 'inherit' })
producer.on('error', error => {
  console.error(`error: python3 does not start: ${error.message}`)
  process.exitCode = 1
  stop()
})
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
  const known = Object.fromEntries([...PIPELINE_FLAGS, ...PRODUCER_FLAGS, 'postgres'].map(name => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ options: known }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}. It may be given --${Object.keys(known).join(', --')}.`)
    process.exit(2)
  }
}
