import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { AuditLog, readAudit } from '../../src/console/audit.ts'
import { openKafka } from '../../src/stream/adapters/kafka/index.ts'
import { servers } from '../servers/shared.ts'

it('processes that share Kafka have one audit log, the newest first', async () => {
  const pipeline = `audit${randomBytes(6).toString('hex')}`
  const open = async () => {
    const stream = await openKafka({ brokers: [servers().kafka], pipeline, prefix: `${pipeline}.` })
    onTestFinished(() => stream.close())
    return stream
  }
  const [one, other] = [await open(), await open()]
  expect(await readAudit(one, 10)).toEqual([])
  const action = (user: string) => ({
    ...{ user, role: 'operator' as const, from: '10.0.0.7', action: 'POST /v1/dead/replay', what: 'letters=[1]', status: 200 },
    at: new Date().toISOString(),
  })
  await new AuditLog(one).write(action('ada'))
  await new AuditLog(other).write(action('bob'))
  expect((await readAudit(one, 10)).map(({ user }) => user)).toEqual(['bob', 'ada'])
  expect((await readAudit(other, 1)).map(({ user }) => user)).toEqual(['bob'])
})
