import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openKafka } from '../../src/stream/adapters/kafka/index.ts'
import { startKafka } from '../servers/kafka.ts'
import { freePort } from '../servers/port.ts'
import { startRedis } from '../servers/redis.ts'
import { servers } from '../servers/shared.ts'
import { folder, millrace, type Ran, start } from './millrace.ts'

/** The pipelines are outside the packages of this one. */
const ZOD = pathToFileURL(createRequire(import.meta.url).resolve('zod')).href
/** A sentence is there before a person gives up. */
const WITHIN_MS = 10_000

/** A pipeline of one agent, and of a storage agent where there is a store, in a folder of its own. */
function project(store?: { readonly from: string; readonly make: string }): string {
  const cwd = folder()
  const lake = store === undefined ? '' : `, storageAgent('lake', { version: 1, from: reading, to: ${store.make} })`
  writeFileSync(
    join(cwd, 'pipeline.ts'),
    `import { agent, pipeline, storageAgent, topic } from 'millrace'
${store?.from ?? ''}
import { z } from '${ZOD}'
const reading = topic('reading', z.object({ sensor: z.string(), celsius: z.number() }), { partitions: 2 })
export default pipeline('p${randomBytes(4).toString('hex')}', { agents: [agent('watch', { version: 1, from: reading }, () => undefined)${lake}] })
`,
  )
  return cwd
}

interface Where {
  readonly stream?: string
  readonly trace?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the project's pipeline where it should not start. */
async function startAt(cwd: string, where: Where = {}): Promise<Ran & { readonly ms: number }> {
  const { kafka, redis } = servers()
  const prefix = `r${randomBytes(6).toString('hex')}`
  const flags = ['--stream', where.stream ?? `kafka://${kafka}?prefix=${prefix}.`, '--trace', where.trace ?? `${redis}?prefix=${prefix}:`]
  const began = performance.now()
  const ran = await millrace(['start', 'pipeline.ts', ...flags, '--listen', ':0', '--ops', ':0'], {
    cwd,
    ...(where.env && { env: where.env }),
  })
  return { ...ran, ms: performance.now() - began }
}

/** One sentence of what and where, and one of what to do; no stack, and no secret. */
function said(ran: Ran & { readonly ms: number }, code: number, ...parts: readonly (string | RegExp)[]): void {
  expect(ran.stderr).toMatch(/^error: .+\n {2}.+\n$/)
  for (const part of parts) expect(ran.stderr).toMatch(part)
  expect(ran.stderr).not.toContain('wrong-secret')
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' })
  expect(ran.ms).toBeLessThan(WITHIN_MS)
}

describe('a pipeline does not start, and says why, what and where', () => {
  it('where nothing is at the stream’s address', async () => {
    const port = await freePort()
    said(await startAt(project(), { stream: `kafka://127.0.0.1:${port}` }), 5, `127.0.0.1:${port}`, /check/i)
  })

  it('where nothing is at the trace’s address', async () => {
    const port = await freePort()
    said(await startAt(project(), { trace: `redis://127.0.0.1:${port}` }), 5, `127.0.0.1:${port}`, /check/i)
  })

  it('where the password of the stream is wrong, or the user has no right to its topics, or one side speaks TLS', async () => {
    await using kafka = await startKafka({
      listener: { protocol: 'SASL_PLAINTEXT' },
      scram: { admin: 'admin-secret', guest: 'guest-secret' },
      properties: {
        'listener.name.client.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
        'listener.name.client.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:admin',
      },
    })
    const at = kafka.clientAddress
    const login = (user: string) => `kafka://${user}@${at}?sasl=scram-sha-256`
    said(await startAt(project(), { stream: login('admin'), env: { MILLRACE_STREAM_PASSWORD: 'wrong-secret' } }), 1, 'admin', /password/i)
    said(await startAt(project(), { stream: login('guest'), env: { MILLRACE_STREAM_PASSWORD: 'guest-secret' } }), 1, 'guest', /right/i)
    said(await startAt(project(), { stream: `kafkas://${kafka.address}` }), 2, kafka.address, /TLS/, /kafka:\/\//)
  })

  it('where the password of the trace is wrong, or it does not speak TLS', async () => {
    await using redis = await startRedis(['--requirepass', 'right-secret'])
    said(await startAt(project(), { trace: redis.address, env: { MILLRACE_TRACE_PASSWORD: 'wrong-secret' } }), 1, /password/i)
    said(await startAt(project(), { trace: redis.address.replace('redis:', 'rediss:') }), 5, /TLS/)
  })

  it('where a topic has other partitions than are declared', async () => {
    const { kafka } = servers()
    const prefix = `r${randomBytes(6).toString('hex')}.`
    const stream = await openKafka({ brokers: [kafka], pipeline: 'other', prefix })
    await stream.ensure([{ name: 'reading', partitions: 5, retentionMs: 7 * 86_400_000 }])
    await stream.close()
    said(await startAt(project(), { stream: `kafka://${kafka}?prefix=${prefix}` }), 1, `${prefix}reading`, /5/, /2/)
  })

  it('where a bucket is not there', async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = servers().s3
    const options = { bucket: 'nowhere-at-all', region, endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } }
    const cwd = project({ from: "import { s3 } from 'millrace/storage/s3'", make: `s3(${JSON.stringify(options)})` })
    said(await startAt(cwd), 1, 'nowhere-at-all', /bucket/)
  })

  it('where a table has other columns', async () => {
    const { default: pg } = await import('pg')
    const client = new pg.Client(servers().postgres)
    await client.connect()
    const table = `t${randomBytes(6).toString('hex')}`
    await client.query(
      `CREATE TABLE ${table} (data_id uuid PRIMARY KEY, source text NOT NULL, created timestamptz NOT NULL, parents uuid[], sensor integer)`,
    )
    await client.end()
    const make = `postgres(${JSON.stringify(servers().postgres)}, { table: ${JSON.stringify(table)} })`
    const cwd = project({ from: "import { postgres } from 'millrace/storage/postgres'", make })
    said(await startAt(cwd), 1, table, 'sensor', /integer/, /text/)
  })

  it('where the password of a database is wrong', async () => {
    const url = new URL(servers().postgres)
    url.password = 'wrong-secret'
    const cwd = project({ from: "import { postgres } from 'millrace/storage/postgres'", make: `postgres(${JSON.stringify(url.href)})` })
    said(await startAt(cwd), 1, /password/i, `${url.port}`)
  })
})

it('a trace that may evict is warned of, with the reason, and the pipeline runs', async () => {
  await using redis = await startRedis(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'])
  const cwd = project()
  const { kafka } = servers()
  const flags = ['--stream', `kafka://${kafka}?prefix=r${randomBytes(6).toString('hex')}.`, '--trace', redis.address]
  await using running = start(['start', 'pipeline.ts', ...flags, '--listen', ':0', '--ops', ':0'], { cwd })
  await running.until(/is running/)
  running.process.kill('SIGTERM')
  const { code, stderr } = await running.ended
  expect(stderr).toMatch(/"level":"warn".*allkeys-lru/)
  expect(stderr).toMatch(/noeviction/)
  expect(code).toBe(0)
})
