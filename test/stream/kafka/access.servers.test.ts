import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ErrorCode, isMillraceError, type MillraceError } from '../../../src/errors.ts'
import { kafkaOptions, openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import type { GroupedStream } from '../../../src/stream/stream.ts'
import { within } from '../../../src/testing/framework.ts'
import { GroupMember, moved, placeOf } from '../../../src/testing/group-member.ts'
import { batch, readAll, spec } from '../../../src/testing/suite-data.ts'
import { type Certificates, makeCertificates } from '../../servers/certificates.ts'
import { serverFolder } from '../../servers/folder.ts'
import { type KafkaServer, startKafka } from '../../servers/kafka.ts'
import { freePort } from '../../servers/port.ts'

const PASSWORD = 'right-s3cret'
const WRONG = 'wrong-s3cret'
const jaas = (module: string, rest = '') => `org.apache.kafka.common.security.${module} required${rest};`

let kafka: KafkaServer
let certificates: Certificates
let strangers: string

beforeAll(async () => {
  certificates = makeCertificates()
  strangers = join(serverFolder('strangers'), 'ca.pem')
  writeFileSync(strangers, certificates.strangerCa)
  kafka = await startKafka({
    listener: { protocol: 'SASL_SSL' },
    scram: { admin: PASSWORD, nobody: PASSWORD, reader: PASSWORD, member: PASSWORD },
    properties: {
      ...certificates.kafkaProperties,
      'listener.name.client.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
      'listener.name.client.scram-sha-256.sasl.jaas.config': jaas('scram.ScramLoginModule'),
      'listener.name.client.plain.sasl.jaas.config': jaas('plain.PlainLoginModule', ` user_admin="${PASSWORD}"`),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // The plain listener is the brokers' own.
      'super.users': 'User:ANONYMOUS;User:admin',
    },
  })
})

afterAll(() => kafka.kill())

interface Attempt {
  readonly scheme?: 'kafka' | 'kafkas'
  readonly user?: string
  readonly password?: string
  readonly sasl?: string | undefined
  readonly ca?: string | undefined
  readonly address?: string
  readonly prefix?: string
}

function open(attempt: Attempt = {}): Promise<GroupedStream> {
  const { scheme = 'kafkas', user = 'admin', password = PASSWORD, address = kafka.clientAddress, prefix = '' } = attempt
  const sasl = 'sasl' in attempt ? attempt.sasl : 'scram-sha-256'
  const ca = 'ca' in attempt ? attempt.ca : certificates.caFile
  const query = [...(sasl === undefined ? [] : [`sasl=${sasl}`]), ...(ca === undefined ? [] : [`ca=${ca}`]), `prefix=${prefix}`].join('&')
  return openKafka(kafkaOptions(`${scheme}://${sasl === undefined ? '' : `${user}:${password}@`}${address}?${query}`, { pipeline: 'grid' }))
}

/** Expects one sentence within ten seconds, for a person sits before the screen, and what to do; never a password. */
async function refused(code: ErrorCode, message: RegExp, call: () => Promise<unknown>): Promise<MillraceError> {
  const error = await within(
    'a refusal',
    call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  )
  expect(isMillraceError(error, code), `${code} was expected: ${error instanceof Error ? error.stack : error}`).toBe(true)
  // Judged just now.
  const refusal = error as MillraceError
  expect(refusal.message).toMatch(message)
  expect(refusal.message).not.toMatch(new RegExp(`${PASSWORD}|${WRONG}|\n`))
  expect(refusal.fix).toBeTruthy()
  return refusal
}

async function allow(user: string, name: string, type: number, operations: readonly number[]): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka.address] })
  const acl = {
    resourceType: type,
    resourceName: name,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: `User:${user}`,
    host: '*',
  }
  const creations = operations.map(operation => ({ ...acl, operation, permissionType: AclPermissionTypes.ALLOW }))
  // The client's enumerations are numbers under names, and its types the numbers themselves.
  await admin.createAcls({ creations: creations as Parameters<typeof admin.createAcls>[0]['creations'] })
  await admin.close()
}

describe('a stream on Kafka that cannot be opened says why:', () => {
  it('the address is wrong', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`
    await refused('STREAM_UNAVAILABLE', /could not be reached: connect ECONNREFUSED/, () => open({ address: nowhere }))
    await refused('STREAM_UNAVAILABLE', /could not be reached: .*ENOTFOUND|EAI_AGAIN/, () => open({ address: 'no-such-host.invalid:9092' }))
  })

  it('the password is wrong', async () => {
    for (const sasl of ['scram-sha-256', 'plain']) {
      await refused('STREAM_DENIED', /refuses the user "admin": the name or the password is wrong/, () => open({ password: WRONG, sasl }))
    }
    await refused('STREAM_DENIED', /refuses the user "stranger"/, () => open({ user: 'stranger' }))
  })

  it('the mechanism is not one of the listener’s, or the listener has none, or asks for one', async () => {
    await refused('STREAM_DENIED', /does not let anyone log in with SCRAM-SHA-512/, () => open({ sasl: 'scram-sha-512' }))
    await refused('STREAM_DENIED', /log in with SCRAM-SHA-256/, () => open({ scheme: 'kafka', ca: undefined, address: kafka.address }))
    await refused('STREAM_DENIED', /without a user name/, () => open({ sasl: undefined }))
  })

  it('one side speaks TLS and the other does not', async () => {
    await refused('CONFIG_INVALID', /speaks TLS, and was asked without.*kafkas:\/\//, () => open({ scheme: 'kafka', ca: undefined }))
    await refused('CONFIG_INVALID', /does not speak TLS.*kafka:\/\//, () => open({ address: kafka.address }))
  })

  it('the authority that signed its certificate is not known', async () => {
    await refused('CONFIG_INVALID', /certificate .* is not trusted.*ca=/, () => open({ ca: undefined }))
    await refused('CONFIG_INVALID', /certificate .* is not trusted/, () => open({ ca: strangers }))
  })

  it('the user has no rights', async () => {
    await refused('STREAM_DENIED', /refuses to .*millrace\.grid\.control.*"nobody".*Describe on the topic/, () => open({ user: 'nobody' }))
  })
})

describe('a stream on Kafka under access control', () => {
  it('works by TLS and a password', async () => {
    for (const sasl of ['scram-sha-256', 'plain']) {
      const stream = await open({ prefix: `works-${sasl}.`, sasl })
      await stream.ensure([spec('demand')])
      await stream.append([batch('demand', 0, ['x'])])
      expect(await readAll(stream, 'demand', 0)).toEqual(['x'])
      await stream.close()
    }
  })

  it('names the topic and the right where one is missing', async () => {
    const owner = await open({ prefix: 'rights.' })
    await owner.ensure([spec('demand')])
    await owner.append([batch('demand', 0, ['x'])])
    const { DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperations
    await allow('reader', 'rights.', ResourceTypes.TOPIC, [DESCRIBE, DESCRIBE_CONFIGS])
    await allow('reader', 'rights.millrace.grid.control', ResourceTypes.TOPIC, [READ])
    const reader = await open({ prefix: 'rights.', user: 'reader' })
    await refused('STREAM_DENIED', /append to rights\.demand .*Write on the topic rights\.demand/, () =>
      reader.append([batch('demand', 0, ['y'])]),
    )
    await refused('STREAM_DENIED', /read the topic rights\.demand .*Read on the topic rights\.demand/, () => reader.read('demand', 0, 0, 1))
    await refused('STREAM_DENIED', /make the topic rights\.fresh .*Create on the topic rights\.fresh/, () => reader.ensure([spec('fresh')]))
    await refused('STREAM_DENIED', /group rights\.millrace\.grid\.f@1/, async () => {
      for await (const _ of reader.subscribe({ name: 'f@1', edition: 1 }, ['demand'], 'earliest')) return
    })
    await allow('reader', 'rights.', ResourceTypes.TOPIC, [WRITE])
    await reader.append([batch('demand', 0, ['y'])])
    await reader.close()
    expect(await readAll(owner, 'demand', 0)).toEqual(['x', 'y'])
    await owner.close()
  })

  it('needs no more than the documented rights', async () => {
    const { CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperations
    await allow('member', 'least.', ResourceTypes.TOPIC, [CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE])
    await allow('member', 'least.millrace.grid.', ResourceTypes.GROUP, [DESCRIBE, READ])
    const stream = await open({ prefix: 'least.', user: 'member' })
    await stream.ensure([spec('demand')])
    await stream.append([batch('demand', 0, ['x', 'y'])])
    const old = new GroupMember(stream, { name: 'forecast@1', edition: 1 }, ['demand'])
    const lease = await old.lease(1)
    await lease.commit([moved(placeOf(lease, 'demand'), 1)])
    const next = new GroupMember(stream, { name: 'forecast@2', edition: 2, replaces: 'forecast@1' }, ['demand'])
    const taken = await next.lease(1)
    expect(placeOf(taken, 'demand').checkpoint.offset).toBe(1)
    expect((await taken.fetch({ topic: 'demand', partition: 0 }, 1, 1e6))?.count).toBe(1)
    expect((await stream.places()).map(({ group }) => group).sort()).toEqual(['forecast@1', 'forecast@2'])
    await Promise.all([old.close(), next.close()])
    await stream.close()
  })
})
