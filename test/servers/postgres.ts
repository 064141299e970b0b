import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { cacheFolder, installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'
import { freePort } from './port.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const NAME = 'millrace'
const ANSWER_MS = 2_000
const ORPHANS_MS = 20_000

export interface PostgresServer extends AsyncDisposable {
  /** `postgres://user:password@127.0.0.1:port/database`; the user may do everything. */
  readonly address: string
  readonly port: number
  readonly log: string
  stop(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface PostgresOptions {
  readonly port?: number
  /** Kept afterwards, and used as it is where it holds data; without it a folder that is deleted when this process ends. */
  readonly folder?: string
  /** Settings by name: `{ max_connections: '10' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** One PostgreSQL on loopback, with a password, and with fsync: what it has committed survives its being killed. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const port = options.port ?? (await freePort())
  const folder = options.folder ?? serverFolder('postgres')
  const user = ordinaryUser()
  const data = join(folder, 'data')
  if (!existsSync(join(data, 'PG_VERSION'))) fill(data, user)
  own(folder, user)
  checkReach(data, user)
  const address = `postgres://${NAME}:${NAME}@127.0.0.1:${port}/postgres`
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    shared_buffers: '32MB',
    ...options.settings,
  }
  const process = new ServerProcess({
    name: 'PostgreSQL',
    command: [installed('postgres'), '-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: folder,
    logFile: join(folder, 'postgres.log'),
    user,
    // SIGTERM would wait for every client to leave.
    stopSignal: 'SIGINT',
    ready: () => ask(address),
  })
  await startAfterOrphans(process)
  return {
    address,
    port,
    get log() {
      return process.log
    },
    stop: () => process.stop(),
    kill: () => process.kill(),
    restart: async () => {
      await process.stop()
      await startAfterOrphans(process)
    },
    [Symbol.asyncDispose]: () => process.kill(),
  }
}

/** The children of a killed server end by themselves, a moment later. Until then its successor refuses to start. */
async function startAfterOrphans(process: ServerProcess): Promise<void> {
  let refusal: unknown
  await until('the children of the killed PostgreSQL have ended', ORPHANS_MS, async () => {
    const before = process.log.length
    try {
      await process.start()
    } catch (error) {
      if (/pre-existing shared memory block/.test(process.log.slice(before))) throw error
      refusal = error
    }
  })
  if (refusal !== undefined) throw refusal
}

async function ask(address: string): Promise<void> {
  const client = new Client({ connectionString: address, connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS })
  // A server that ends while it is asked breaks the connection outside of any query; the query's own rejection is what counts.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end()
  }
}

/** As root the Debian package's user, because PostgreSQL refuses to be root; else who we are. */
function ordinaryUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Copies an empty cluster into place, which is ten times cheaper than making one. It is made once and kept in the cache. */
function fill(data: string, user: { readonly uid: number; readonly gid: number } | undefined): void {
  const initdb = installed('initdb')
  const version = execFileSync(initdb, ['--version'], { encoding: 'utf8' }).match(/(\d+)\.\d+/)?.[1]
  const template = cacheFolder(`postgres-${version}-template`)
  if (!existsSync(template)) {
    const made = serverFolder('initdb')
    const password = join(made, 'password')
    writeFileSync(password, NAME)
    own(made, user)
    const how = ['--encoding=UTF8', '--locale=C.UTF-8', '--auth=scram-sha-256', `--username=${NAME}`, `--pwfile=${password}`, '--no-sync']
    execFileSync(initdb, ['-D', join(made, 'data'), ...how], { cwd: made, stdio: 'pipe', ...user })
    const whole = `${template}.${process.pid}`
    mkdirSync(cacheFolder(), { recursive: true })
    copy(join(made, 'data'), whole)
    try {
      renameSync(whole, template)
    } catch (error) {
      // Another process was first: its template is as good.
      rmSync(whole, { recursive: true, force: true })
      if (!existsSync(template)) throw error
    }
  }
  mkdirSync(join(data, '..'), { recursive: true })
  // Whole or not at all: a folder half copied would be taken for a cluster at the next start.
  copy(template, `${data}.partial`)
  renameSync(`${data}.partial`, data)
}

/** With the modes: PostgreSQL refuses a folder that others may read. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-Rp', from, to])
}

function own(folder: string, user: { readonly uid: number; readonly gid: number } | undefined): void {
  if (user === undefined) return
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder])
}

function checkReach(data: string, user: { readonly uid: number; readonly gid: number } | undefined): void {
  try {
    execFileSync('test', ['-w', data], { cwd: '/', ...user })
  } catch (cause) {
    const fix = 'Choose a folder that is open to it, or start the servers as an ordinary user.'
    throw new Error(`The user postgres, as whom PostgreSQL runs when you are root, cannot reach ${data}. ${fix}`, { cause })
  }
}
