/**
 * Starts Kafka, Redis, PostgreSQL and S3 on this machine and keeps them until Ctrl-C; what they hold is there again the next time.
 *
 *     npm run servers:start
 *     npm run servers:start -- --folder /tmp/servers --kafka 19092 --redis 16379 --postgres 15432 --s3 19000
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startLocalServers } from './local-servers.ts'

const NAMES = ['kafka', 'redis', 'postgres', 's3'] as const

try {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { folder: text, kafka: text, redis: text, postgres: text, s3: text } })
  const folder = values.folder ?? '.millrace/servers'
  const ports = Object.fromEntries(NAMES.flatMap(name => (values[name] === undefined ? [] : [[name, portOf(name, values[name])]])))
  const stopping = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  say('Starting Kafka, Redis, PostgreSQL and S3 …')
  const servers = await startLocalServers(folder, { ports })
  say(`
  Kafka       kafka://${servers.kafka}
  Redis       ${servers.redis}
  PostgreSQL  ${servers.postgres}
  S3          ${servers.s3.endpoint}   AWS_REGION=${servers.s3.region} AWS_ACCESS_KEY_ID=${servers.s3.accessKeyId} AWS_SECRET_ACCESS_KEY=${servers.s3.secretAccessKey}

Their data are in ${folder}. Ctrl-C stops them.`)
  // A signal's listener alone keeps no process alive.
  const alive = setInterval(() => undefined, 2 ** 30)
  await stopping
  clearInterval(alive)
  say('Stopping …')
  await servers.stop()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`--${name} takes a port from 1 to 65535, not ${text}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
