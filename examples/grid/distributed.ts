/**
 * `npm run start:distributed`: the grid of `npm start`, unchanged, on many processes that share Kafka and Redis: two front ends, two for
 * agents, one for storage, one with the live page. Each is started again when it dies, so that anybody can kill any of them and watch.
 * Options: `--csv`, `--rate` as of `npm start`; `--stream`, `--trace` name servers of one's own, else they are installed and started here, on the
 * ports `--kafka` and `--redis`; `--listen` (as often as there are to be front ends) and `--ops` as of `millrace start`; `--folder` for the
 * processes' data and the lake.
 */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { KeptProcess } from './kept-process.ts'
import { addKeys } from './keys.ts'
import { commandLine, sentence } from './millrace.ts'
import { type GridServers, startServers } from './servers.ts'

/** Not the usual ports: a Kafka or a Redis that this machine has stays as it is. */
const SERVERS = { folder: '.millrace/servers', kafka: '19092', redis: '16379' }
/** A simulation goes on for ever, and a trace of a day would fill the memory of the machine where it is left running. */
const ENDLESS = 'ttl=10m&id_ttl=10m'
const FRONT_ENDS = ['127.0.0.1:7070', '127.0.0.1:7072']

const options = readOptions()
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
// The lake is where the processes run. Not beside that of `npm start`: a reader would find two grids in one lake.
const folder = resolve(options.folder)
const keysFolder = join(folder, 'keys')
// A second Ctrl-C finds nobody who listens, and ends us and with us all of them at once.
const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => 0)

try {
  process.exitCode = await runGrid()
} catch (error) {
  // A port that is taken, a server that cannot be installed: the sentence is enough.
  say(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

/** Runs everything until it is asked to stop, or a part of it cannot go on. @returns the exit code. */
async function runGrid(): Promise<number> {
  mkdirSync(folder, { recursive: true })
  const servers = await serversFor()
  const keys = await addKeys(['--data', keysFolder])
  const shared = ['--stream', servers.stream, '--trace', servers.trace]
  say('Starting the processes …')
  const frontEnds = options.listen.map((at, i) => part(`frontend-${i + 1}`, ['--role', 'frontend', '--listen', at, ...shared]))
  const agents = [1, 2].map(i => part(`agents-${i}`, ['--role', 'agents', ...shared]))
  const storage = part('storage-1', ['--role', 'storage', ...shared])
  const page = part('console-1', ['--role', 'console', '--page', path('page'), '--ops', options.ops, ...shared])
  const parts = [...frontEnds, ...agents, storage, page]
  let producer: KeptProcess | undefined
  try {
    const ended = Promise.race([asked, ...parts.map(({ kept }) => kept.over)])
    const ready = await Promise.race([Promise.all(parts.map(each => each.ready)), ended])
    if (typeof ready === 'number') return ready
    await keys.revokeOthers()
    producer = produce(
      ready.flatMap(({ listen }) => (listen === undefined ? [] : [listen])),
      keys.env,
    )
    say(`\nThe power grid is live at ${ready.at(-1)!.operators}, its lake is in ${join(folder, 'lake')}`)
    // Addresses of one's own may hold a password.
    if (options.stream === undefined) say(`Look from anywhere: millrace ledger ${shared.join(' ')}`)
    say(`Kill any of them and watch: kill -9 ${agents[0]!.kept.pid}\nCtrl-C stops all.\n`)
    // A file that has been replayed is no reason to end.
    return await Promise.race([ended, producer.over.then(code => (code === 0 ? ended : code))])
  } finally {
    say('Stopping: what is in hand is finished first.')
    // In the direction of the data, so that nothing new arrives while the next ones finish what they have; the page is there until the end.
    for (const stage of [[producer], frontEnds.map(at => at.kept), [...agents, storage].map(at => at.kept), [page.kept]])
      await Promise.all(stage.map(each => each?.stop()))
    await servers.stop()
    say('Stopped.')
  }
}

async function serversFor(): Promise<GridServers> {
  const { stream, trace, kafka, redis } = options
  if (stream !== undefined && trace !== undefined) return { stream, trace, stop: async () => undefined }
  const servers = await startServers(SERVERS.folder, { kafka: Number(kafka), redis: Number(redis) }, say)
  return options.csv === undefined ? { ...servers, trace: `${servers.trace}?${ENDLESS}` } : servers
}

/** docs/cli.md: what `start` answers. */
interface Running {
  readonly pid: number
  readonly listen?: string
  readonly operators: string
}

interface Part {
  readonly kept: KeptProcess
  /** Resolves when it is ready for the first time. */
  readonly ready: Promise<Running>
}

/** A process that runs a part of the pipeline, told by flags alone which. */
function part(name: string, flags: readonly string[]): Part {
  const ready = Promise.withResolvers<Running>()
  let wasReady = false
  const kept = new KeptProcess({
    args: commandLine('start', path('grid.ts'), '--data', join(folder, name), '--ops', '127.0.0.1:0', ...flags),
    cwd: folder,
    env: { MILLRACE_KEYS: join(keysFolder, 'keys.json') },
    say: text => say(`${name.padEnd(11)} ${text}`),
    line(text) {
      const running = JSON.parse(text) as Running
      say(`${name.padEnd(11)} pid ${running.pid} is ready${running.listen === undefined ? '' : ` at ${running.listen}`}`)
      wasReady = true
      ready.resolve(running)
    },
    shown: sentence,
    // One that cannot even start, such as for its address in use, would not the next time either.
    isOver: ({ signal }) => !wasReady && signal === null,
  })
  return { kept, ready: ready.promise }
}

function produce(urls: readonly string[], env: Readonly<Record<string, string>>): KeptProcess {
  const flags = [
    ...urls.flatMap(url => ['--url', url]),
    ...(options.csv === undefined ? [] : ['--csv', resolve(options.csv)]),
    ...(options.rate === undefined ? [] : ['--rate', options.rate]),
  ]
  const tell = (text: string) => say(`${'producer'.padEnd(11)} ${text}`)
  return new KeptProcess({
    args: ['--disable-warning=ExperimentalWarning', path('produce.ts'), ...flags],
    cwd: folder,
    env,
    say: tell,
    line: tell,
    shown: text => text,
    isOver: ({ signal }) => signal === null,
  })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function readOptions() {
  const known = {
    csv: { type: 'string' },
    rate: { type: 'string' },
    stream: { type: 'string' },
    trace: { type: 'string' },
    kafka: { type: 'string', default: SERVERS.kafka },
    redis: { type: 'string', default: SERVERS.redis },
    listen: { type: 'string', multiple: true, default: FRONT_ENDS },
    ops: { type: 'string', default: '127.0.0.1:7071' },
    folder: { type: 'string', default: '.millrace/grid' },
  } as const
  try {
    const { values } = parseArgs({ options: known })
    if ((values.stream === undefined) !== (values.trace === undefined)) throw new TypeError('--stream and --trace belong together')
    for (const port of [values.kafka, values.redis]) if (!/^[1-9]\d{0,4}$/.test(port)) throw new TypeError(`${port} is no port`)
    return values
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}. It may be given --${Object.keys(known).join(', --')}.`)
    process.exit(2)
  }
}
