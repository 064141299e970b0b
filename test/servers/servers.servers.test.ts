import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Client } from 'pg'
import { createClient } from 'redis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startKafka } from './kafka.ts'
import { isFree } from './port.ts'
import { startPostgres } from './postgres.ts'
import { startRedis, startRedisCluster, startRedisSentinels } from './redis.ts'
import { startS3 } from './s3.ts'
import { servers } from './shared.ts'
import { startToxiproxy } from './toxiproxy.ts'
import { until } from './until.ts'

const DEADLINE_MS = 30_000
const STARTER = fileURLToPath(new URL('./starter.ts', import.meta.url))

describe('every server', () => {
  it('ends when the process that started it is killed', async () => {
    const starter = spawn(process.execPath, [...process.execArgv, STARTER], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void starter.kill('SIGKILL'))
    const port = Number(String((await once(starter.stdout, 'data'))[0]))
    expect(await isFree(port)).toBe(false)
    starter.kill('SIGKILL')
    await until('it has ended', DEADLINE_MS, async () => expect(await isFree(port)).toBe(true))
  })

  it('that has ended by itself is killed no more: its process id may be another’s by then', async () => {
    await using redis = await startRedis()
    const watchers = () =>
      execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
        .split('\n')
        .filter(line => line.includes(`--port ${redis.port} `))
    expect(watchers()).toHaveLength(1)
    await redis.stop()
    await until('its watcher has gone', DEADLINE_MS, () => expect(watchers()).toEqual([]))
  })
})

// That it outlasts a kill, with one node and with three, speaks TLS and goes through a proxy, the tests of the stream show: test/stream/kafka.
describe('Kafka', () => {
  it('that does not come up says why', async () => {
    const properties = { 'compression.type': 'none-such' }
    await expect(startKafka({ properties })).rejects.toThrow(/Kafka node 1[\s\S]*none-such/)
  })
})

describe('Redis', () => {
  it('forgets everything when it is killed, unless it is told to keep it', async () => {
    await using forgetful = await startRedis()
    await using faithful = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
    for (const server of [forgetful, faithful]) {
      await withRedis(server.address, client => client.set('name', 'value'))
      await server.kill()
      await server.restart()
    }
    expect(await withRedis(forgetful.address, client => client.get('name'))).toBeNull()
    expect(await withRedis(faithful.address, client => client.get('name'))).toBe('value')
  })

  it('as a cluster shares the keys among three', async () => {
    await using cluster = await startRedisCluster()
    const answers = await Promise.all(
      cluster.nodes.map(node => withRedis(node.address, client => client.sendCommand(['CLUSTER', 'SHARDS']))),
    )
    expect(answers.map(shards => Array.isArray(shards) && shards.length)).toEqual([3, 3, 3])
  })

  it('with sentinels makes the replica the primary when the primary is killed', async () => {
    await using watched = await startRedisSentinels()
    await watched.primary.kill()
    const primaryNow = () =>
      withRedis(watched.sentinels[0]!.address, client => client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', watched.primaryName]))
    await until('the replica is the primary', DEADLINE_MS, async () => {
      expect(await primaryNow()).toEqual(['127.0.0.1', String(watched.replica.port)])
    })
  })
})

describe('PostgreSQL', () => {
  it('keeps what it has committed when it is killed', async () => {
    await using postgres = await startPostgres()
    await query(postgres.address, 'create table kept as select 42 as answer')
    await postgres.kill()
    await expect(query(postgres.address, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    await postgres.restart()
    expect(await query(postgres.address, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('refuses a wrong password', async () => {
    const { postgres } = servers()
    await expect(query(postgres.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(/password authentication failed/)
  })
})

describe('S3', () => {
  it('keeps objects when it is killed, and has one winner of a conditional put', async () => {
    await using s3 = await startS3()
    using client = s3Client(s3)
    await client.value.send(new CreateBucketCommand({ Bucket: 'kept' }))
    const put = () => client.value.send(new PutObjectCommand({ Bucket: 'kept', Key: 'a/b', Body: 'bytes', IfNoneMatch: '*' }))
    await put()
    await s3.kill()
    await s3.restart()
    const object = await client.value.send(new GetObjectCommand({ Bucket: 'kept', Key: 'a/b' }))
    expect(await object.Body?.transformToString()).toBe('bytes')
    await expect(put()).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } })
  })

  it('refuses a wrong secret', async () => {
    using client = s3Client({ ...servers().s3, secretAccessKey: 'wrong' })
    await expect(client.value.send(new CreateBucketCommand({ Bucket: 'refused' }))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
  })
})

describe('Toxiproxy', () => {
  it('breaks connections and refuses new ones until it is mended', async () => {
    await using toxiproxy = await startToxiproxy()
    const proxy = await toxiproxy.proxy(await echoServer())
    const before = await open(proxy.port)
    expect(await say(before, 'one')).toBe('one')
    const closed = once(before, 'close')
    await proxy.cut()
    await closed
    await expect(open(proxy.port)).rejects.toThrow(/ECONNREFUSED/)
    await proxy.mend()
    expect(await say(await open(proxy.port), 'two')).toBe('two')
  })

  it('delays answers by what it is told', async () => {
    await using toxiproxy = await startToxiproxy()
    const proxy = await toxiproxy.proxy(await echoServer())
    await proxy.latency(300)
    const socket = await open(proxy.port)
    const began = performance.now()
    await say(socket, 'late')
    // A timer may be early by less than a millisecond; there is no upper bound to how busy a machine is.
    expect(performance.now() - began).toBeGreaterThan(299)
    await proxy.latency(0)
    expect(await say(await open(proxy.port), 'on time')).toBe('on time')
  })

  it('leaves connections open through which nothing comes, and breaks them when it is mended', async () => {
    await using toxiproxy = await startToxiproxy()
    const proxy = await toxiproxy.proxy(await echoServer())
    const socket = await open(proxy.port)
    await say(socket, 'one')
    await proxy.hang()
    let came = ''
    socket.on('data', data => {
      came += String(data)
    })
    const closed = once(socket, 'close')
    socket.write('lost')
    // What goes through another proxy and back was sent later and has arrived: by then this would have, too.
    const other = await toxiproxy.proxy(await echoServer())
    for (let i = 0; i < 20; i++) await say(await open(other.port), 'through')
    expect([came, socket.destroyed]).toEqual(['', false])
    await proxy.mend()
    await closed
    expect(await say(await open(proxy.port), 'two')).toBe('two')
  })
})

function redisClient(url: string) {
  return createClient({ url, socket: { reconnectStrategy: false } })
}

async function withRedis<T>(url: string, use: (client: ReturnType<typeof redisClient>) => Promise<T>): Promise<T> {
  const client = redisClient(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    client.destroy()
  }
}

async function query(connectionString: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString })
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

function s3Client({ endpoint, region, accessKeyId, secretAccessKey }: ReturnType<typeof servers>['s3']) {
  const value = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
  return { value, [Symbol.dispose]: () => value.destroy() }
}

/** `host:port` of a server that sends back what it is sent. */
async function echoServer(): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    socket.pipe(socket)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('listens on a port')
  return `127.0.0.1:${address.port}`
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket.on('error', () => undefined)
}

async function say(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data')
  socket.write(text)
  return String((await answer)[0])
}
