import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Objects } from '../faults/distributed/objects.ts'
import { Rows } from '../faults/distributed/rows.ts'
import type { Findings } from '../faults/findings.ts'
import { servers } from '../servers/shared.ts'
import { until } from './grid.ts'
import { installPacked, run, start } from './installed.ts'

const DEADLINE_MS = 180_000
const STORED_MS = 60_000
const READINGS = 10

const PIPELINE = `
import { agent, pipeline, storageAgent, topic } from 'millrace'
import { postgres } from 'millrace/storage/postgres'
import { s3 } from 'millrace/storage/s3'
import { z } from 'zod'

const reading = topic('reading', z.object({ n: z.number() }))
const double = topic('double', z.object({ n: z.number() }))
const doubling = agent('doubling', { version: 1, from: reading, to: double }, datum => ({ n: 2 * datum.n }))
const roll = { age: '1s' } as const
const { POSTGRES, SCHEMA, S3, BUCKET } = process.env
const rows = storageAgent('rows', { version: 1, from: double, to: postgres(POSTGRES, { schema: SCHEMA, roll }) })
const lake = storageAgent('lake', { version: 1, from: double, to: s3({ bucket: BUCKET!, endpoint: S3, compression: 'gzip', roll }) })
export default pipeline('packed', { agents: [doubling, rows, lake] })
`

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('what npm packs runs on Kafka and Redis and stores in PostgreSQL and S3, with the clients that it asks for', {
  timeout: DEADLINE_MS,
}, async () => {
  const home = await installPacked(folder, ['zod', ...clients()])
  writeFileSync(join(home, 'pipeline.ts'), PIPELINE)
  const { kafka, redis, postgres, s3 } = servers()
  const prefix = `p${randomBytes(5).toString('hex')}`
  const rows = new Rows(postgres, prefix)
  const objects = await Objects.make(s3.endpoint, `packed-${prefix}`)
  const engine = ['--stream', `kafka://${kafka}?prefix=${prefix}.`, '--trace', `${redis}?prefix=${prefix}:`]
  const env = {
    POSTGRES: postgres,
    SCHEMA: prefix,
    S3: s3.endpoint,
    BUCKET: objects.bucket,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  }
  try {
    const flags = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--json']
    await using millrace = start('npx', ['millrace', 'start', 'pipeline.ts', ...engine, ...flags], home, env)
    const { pid } = JSON.parse((await millrace.until(/\n/)).split('\n', 1)[0]!)
    const data = Array.from({ length: READINGS }, (_, n) => ({ n }))
    writeFileSync(join(home, 'readings.ndjson'), data.map(datum => JSON.stringify(datum)).join('\n'))
    await run('npx', ['millrace', 'send', '--topic', 'reading', 'readings.ndjson'], home)
    const tap = await run(
      'npx',
      ['millrace', 'tap', 'double', ...engine, '--from', 'earliest', '--limit', String(READINGS), '--json'],
      home,
    )
    const doubles = tap
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
      .map(({ data_id: id, data: value, partition, offset }) => ({ id, value, topic: 'double', partition, offset, parents: [] }))
    expect(doubles.map(({ value }) => value.n).toSorted((a, b) => a - b)).toEqual(data.map(({ n }) => 2 * n))
    await until(
      'each datum is in a row and in an object',
      async () => {
        const findings: Findings = []
        await rows.check('double', doubles, findings)
        await objects.check(new Map([['double', doubles]]), false, findings)
        return findings.length === 0 || undefined
      },
      STORED_MS,
    )
    // The process itself: npx passes no signal on.
    process.kill(pid, 'SIGTERM')
    expect(await millrace.ended).toBe(0)
  } finally {
    objects.close()
    await rows.remove()
  }
})

/** The optional peers, each of the version that is tested here. */
function clients(): string[] {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { peerDependencies, devDependencies } = JSON.parse(file) as Record<'peerDependencies' | 'devDependencies', Record<string, string>>
  return Object.keys(peerDependencies).map(name => `${name}@${devDependencies[name]}`)
}
