import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { kafkaOptions } from '../../../src/stream/adapters/kafka/index.ts'

const SECRET = 'hunter2-s3cret'
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-url-'))
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(folder, `${name}.pem`), `-----BEGIN ${name}-----\n`)
  writeFileSync(join(folder, 'not.pem'), 'nothing')
})
afterAll(() => rmSync(folder, { recursive: true }))

const optionsOf = (url: string, context: object = {}) => kafkaOptions(url, { pipeline: 'grid', ...context })

describe('a Kafka URL', () => {
  it('is brokers and nothing else at the least', () => {
    expect(optionsOf('kafka://kafka-1')).toEqual({ brokers: ['kafka-1'], pipeline: 'grid' })
    expect(optionsOf('kafka://h1:9092,h2:9093/').brokers).toEqual(['h1:9092', 'h2:9093'])
    expect(optionsOf('kafka://[::1]:9092').brokers).toEqual(['[::1]:9092'])
  })

  it('says everything that a stream can be told', () => {
    const url = `kafkas://al%40ce:p%3Aw@h1:9092,h2:9092?sasl=scram-sha-512&prefix=team.&codec=msgpack&replication=3&min_insync=2&compression=lz4&ca=${folder}/ca.pem&cert=${folder}/cert.pem&key=${folder}/key.pem&session_ms=10000&send_timeout_ms=30000`
    expect(optionsOf(url)).toEqual({
      brokers: ['h1:9092', 'h2:9092'],
      pipeline: 'grid',
      prefix: 'team.',
      codec: 'msgpack',
      compression: 'lz4',
      replication: 3,
      minInsyncReplicas: 2,
      sessionTimeoutMs: 10_000,
      sendTimeoutMs: 30_000,
      tls: { ca: '-----BEGIN ca-----\n', cert: '-----BEGIN cert-----\n', key: '-----BEGIN key-----\n' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'al@ce', password: 'p:w' },
    })
  })

  it('takes secrets that come another way', () => {
    expect(optionsOf('kafka://alice@h?sasl=plain', { password: SECRET }).sasl).toEqual({
      mechanism: 'PLAIN',
      username: 'alice',
      password: SECRET,
    })
    expect(optionsOf('kafka://h?sasl=scram-sha-256', { username: 'alice', password: SECRET }).sasl?.mechanism).toBe('SCRAM-SHA-256')
    expect(optionsOf('kafkas://h').tls).toEqual({})
  })

  it.each([
    ['http://h', /not a Kafka URL/],
    ['kafka://', /brokers is empty/],
    ['kafka://h:port', /broker 1 of 1 is not host:port/],
    ['kafka://h,h:99999', /broker 2 of 2 is not host:port/],
    ['kafka://h?colour=red', /"colour" is unknown/],
    ['kafka://h?codec=xml', /codec=xml/],
    ['kafka://h?codec=json&codec=bson', /codec twice/],
    ['kafka://h?compression=zip', /compression=zip/],
    ['kafka://h?replication=many', /replication=many/],
    ['kafka://h?replication=0', /replication is 0/],
    ['kafka://h?min_insync=-1', /min_insync=-1/],
    ['kafka://h?prefix=a/b', /prefix "a\/b"/],
    ['kafka://h?ca=/ca.pem', /no TLS/],
    ['kafkas://h?cert=/cert.pem', /go together/],
    ['kafkas://h?ca=/no/such/file.pem', /cannot be read/],
    ['kafka://h?sasl=plain', /needs a user name/],
    ['kafka://alice@h?sasl=plain', /needs a password/],
    [`kafka://alice:${SECRET}@h`, /no sasl=/],
    [`kafka://alice:${SECRET}@h?sasl=kerberos`, /sasl=kerberos/],
    [`kafka://alice:${SECRET}%@h?sasl=plain`, /percent-encoded/],
    [`kafka://alice:${SECRET}@x@h?sasl=plain`, /not a Kafka URL/],
    [`kafka://alice:${SECRET}/@h?sasl=plain`, /not a Kafka URL/],
    [`kafka://alice:pa?${SECRET}@h:9092`, /'@' behind its hosts/],
    [`kafka://alice:pa?sasl=${SECRET}@h:9092`, /'@' behind its hosts/],
    [`kafka://alice:${SECRET}?@h:9092?sasl=plain`, /'@' behind its hosts/],
    [`kafka://alice:${SECRET}`, /broker 1 of 1 is not host:port/],
    [`kafka://alice:pa?${SECRET}`, /broker 1 of 1 is not host:port/],
    [`kafka://h,alice:${SECRET}/?codec=json`, /broker 2 of 2 is not host:port/],
  ])('is refused with what is wrong, and never with the password: %s', (url, message) => {
    let error: unknown
    try {
      optionsOf(url)
    } catch (thrown) {
      error = thrown
    }
    expect(isMillraceError(error, 'CONFIG_INVALID'), String(error)).toBe(true)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain(SECRET)
    expect(isMillraceError(error) && error.fix).toBeTruthy()
  })

  it('is refused where a file is not PEM', () => {
    expect(() => optionsOf(`kafkas://h?ca=${folder}/not.pem`)).toThrow(/is not PEM/)
  })
})
