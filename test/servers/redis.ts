import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'
import { freePort } from './port.ts'
import { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const ANSWER_MS = 1_000
const CLUSTER_MS = 30_000

export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:port`. */
  readonly address: string
  readonly port: number
  readonly pid: number | undefined
  readonly log: string
  stop(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface RedisOptions {
  readonly port?: number
  /** Kept afterwards; without it a folder that is deleted when this process ends. */
  readonly folder?: string
  /** After the defaults, so they win: `['--appendonly', 'yes']`. */
  readonly args?: readonly string[]
}

/** One Redis on loopback. It keeps nothing across a restart unless the arguments say so. */
export async function startRedis(argsOrOptions: readonly string[] | RedisOptions = {}): Promise<RedisServer> {
  const options: RedisOptions = 'length' in argsOrOptions ? { args: argsOrOptions } : argsOrOptions
  const port = options.port ?? (await freePort())
  const folder = options.folder ?? serverFolder('redis')
  mkdirSync(folder, { recursive: true })
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...(options.args ?? [])]
  return start('Redis', port, folder, [installed('redis-server'), ...args])
}

/** Three masters that share the slots. */
export async function startRedisCluster(): Promise<{ readonly nodes: readonly RedisServer[] } & AsyncDisposable> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis(args)))
  const addresses = nodes.map(node => `127.0.0.1:${node.port}`)
  execFileSync(installed('redis-cli'), ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'pipe', timeout: CLUSTER_MS })
  for (const { port } of nodes) {
    await until(`the cluster is whole at ${port}`, CLUSTER_MS, async () => {
      if (!(await ask(port, 'CLUSTER INFO')).includes('cluster_state:ok')) throw new Error('cluster_state is not ok')
    })
  }
  return { nodes, [Symbol.asyncDispose]: () => killAll(nodes) }
}

export interface RedisSentinels extends AsyncDisposable {
  /** The name under which clients ask for the primary. */
  readonly primaryName: string
  readonly primary: RedisServer
  readonly replica: RedisServer
  readonly sentinels: readonly RedisServer[]
}

/** A primary, a replica, and three sentinels that make the replica the primary about a second after the primary is gone. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const primaryName = 'millrace'
  const primary = await startRedis()
  const replica = await startRedis(['--replicaof', `127.0.0.1 ${primary.port}`, '--repl-diskless-sync-delay', '0'])
  await until('the replica follows', CLUSTER_MS, async () => {
    if (!(await ask(replica.port, 'INFO replication')).includes('master_link_status:up')) throw new Error('its link is not up')
  })
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(primaryName, primary.port)))
  for (const { port } of sentinels) {
    await until(`the sentinel at ${port} knows them all`, CLUSTER_MS, async () => {
      const known = (await ask(port, 'INFO sentinel')).match(/status=(\w+).*slaves=(\d+),sentinels=(\d+)/)
      if (known?.slice(1).join() !== 'ok,1,3') throw new Error(`it knows ${known?.[0] ?? 'nothing'}`)
    })
  }
  return { primaryName, primary, replica, sentinels, [Symbol.asyncDispose]: () => killAll([...sentinels, replica, primary]) }
}

async function startSentinel(primaryName: string, primaryPort: number): Promise<RedisServer> {
  const port = await freePort()
  const folder = serverFolder('sentinel')
  // A file and not arguments: a sentinel writes what it learns into its configuration.
  const file = join(folder, 'sentinel.conf')
  const watch = [`monitor ${primaryName} 127.0.0.1 ${primaryPort} 2`, `down-after-milliseconds ${primaryName} 1000`]
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...watch.map(line => `sentinel ${line}`)]
  writeFileSync(file, `${lines.join('\n')}\nsentinel failover-timeout ${primaryName} 5000\n`)
  return start('Redis sentinel', port, folder, [installed('redis-server'), file, '--sentinel'])
}

async function start(name: string, port: number, folder: string, command: readonly string[]): Promise<RedisServer> {
  const process = new ServerProcess({
    name,
    command,
    cwd: folder,
    logFile: join(folder, 'redis.log'),
    // One that asks for a password or whose data are still loading answers too, with an error; only the second is not up.
    ready: async () => {
      const answer = await ask(port, 'PING')
      if (answer.startsWith('-LOADING')) throw new Error(answer.trim())
    },
  })
  await process.start()
  return {
    address: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return process.pid
    },
    get log() {
      return process.log
    },
    stop: () => process.stop(),
    kill: () => process.kill(),
    restart: () => process.restart(),
    [Symbol.asyncDispose]: () => process.kill(),
  }
}

async function killAll(nodes: readonly RedisServer[]): Promise<void> {
  await Promise.all(nodes.map(node => node.kill()))
}

/** The first part of what Redis answers to an inline command: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`No answer to ${command} within ${ANSWER_MS} ms`)))
    socket.once('data', data => {
      resolve(String(data))
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('Closed without an answer')))
  })
}
