import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { kafkaPipelines } from '../../../src/stream/adapters/kafka/index.ts'
import type { TopicSpec } from '../../../src/stream/stream.ts'
import { batch, spec, texts } from '../../../src/testing/suite-data.ts'
import { Streams } from './streams.ts'

const DAY_MS = 86_400_000

async function configsOf(streams: Streams, topic: string, names: readonly string[]): Promise<Record<string, unknown>> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [streams.broker] })
  try {
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: streams.prefix + topic, configurationKeys: [...names] }
    const [described] = await admin.describeConfigs({ resources: [resource] })
    return Object.fromEntries(described!.configs.map(({ name, value }) => [name, value]))
  } finally {
    await admin.close()
  }
}

/** As `kafka-configs --alter` does. */
async function setTopic(streams: Streams, topic: string, name: string, value: string): Promise<void> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [streams.broker] })
  try {
    const configs = [{ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET }]
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: streams.prefix + topic, configs }
    await admin.incrementalAlterConfigs({ resources: [resource] })
  } finally {
    await admin.close()
  }
}

async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(isMillraceError(error), String(error)).toBe(true)
  return String(error)
}

describe('topics on Kafka', () => {
  it('are made with the retention, the policy and the safety that was asked for', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    const specs: TopicSpec[] = [
      { name: 'a', partitions: 3, retentionMs: DAY_MS, retentionBytes: 1_000_000 },
      { name: 'b', partitions: 1, retentionMs: Number.POSITIVE_INFINITY, compacted: true },
      { name: 'c', partitions: 1, retentionMs: DAY_MS, compacted: true },
    ]
    await stream.ensure(specs)
    const names = ['retention.ms', 'retention.bytes', 'cleanup.policy', 'min.insync.replicas', 'max.message.bytes', 'compression.type']
    const always = { 'min.insync.replicas': '1', 'max.message.bytes': '16777216', 'compression.type': 'producer' }
    expect(await configsOf(streams, 'a', names)).toEqual({
      ...always,
      'retention.ms': '86400000',
      'retention.bytes': '333334',
      'cleanup.policy': 'delete',
    })
    expect(await configsOf(streams, 'b', names)).toEqual({
      ...always,
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'cleanup.policy': 'compact',
    })
    expect((await configsOf(streams, 'c', ['cleanup.policy']))['cleanup.policy']).toMatch(/^(compact,delete|delete,compact)$/)
    await stream.ensure(specs)
    expect((await stream.topics()).toSorted((one, other) => (one.name < other.name ? -1 : 1))).toEqual(specs)
  })

  it('that differ are named with the setting, what was expected and found, and the command that mends it', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([{ name: 'demand', partitions: 2, retentionMs: DAY_MS }])
    const kafkaTopic = `${streams.prefix}demand`
    const ensure = (difference: Partial<TopicSpec>) =>
      refusalOf(stream.ensure([spec('fresh'), { name: 'demand', partitions: 2, retentionMs: DAY_MS, ...difference }]))
    expect(await ensure({ partitions: 4 })).toMatch(
      `partitions: expected 4, found 2. Mend it by kafka-topics --alter --topic ${kafkaTopic} --partitions 4`,
    )
    expect(await ensure({ partitions: 1 })).toMatch('partitions: expected 1, found 2. Mend it by declare partitions: 2')
    expect(await ensure({ retentionMs: 2 * DAY_MS })).toMatch(
      `retention.ms: expected 172800000, found 86400000. Mend it by kafka-configs --alter --entity-type topics --entity-name ${kafkaTopic} --add-config 'retention.ms=172800000'`,
    )
    expect(await ensure({ retentionBytes: 100 })).toMatch('retention.bytes: expected 50, found -1')
    expect(await ensure({ compacted: true })).toMatch(
      'cleanup.policy: expected compact,delete, found delete. Mend it by kafka-configs --alter',
    )
    const safer = await streams.open({ minInsyncReplicas: 1, replication: 1 })
    await safer.ensure([{ name: 'demand', partitions: 2, retentionMs: DAY_MS }])
    expect((await stream.topics()).map(({ name }) => name)).toEqual(['demand'])
  })

  it('that the cluster cannot hold are refused with its reason', async () => {
    await using streams = new Streams()
    const refusal = await refusalOf(streams.open({ replication: 3 }))
    expect(refusal).toMatch(/INVALID_REPLICATION_FACTOR.*replication=/)
  })

  it('are made once by many processes that start at one time, who agree on the log’s name', async () => {
    await using streams = new Streams()
    const opened = await Promise.all(Array.from({ length: 4 }, () => streams.open()))
    await Promise.all(opened.map(stream => stream.ensure([spec('demand', 3), spec('alerts')])))
    expect(new Set(opened.map(stream => stream.logId)).size).toBe(1)
    for (const stream of opened) expect((await stream.topics()).map(({ name }) => name).sort()).toEqual(['alerts', 'demand'])
  })

  it('belong to their pipeline, and a cluster says which pipelines have run on it', async () => {
    await using streams = new Streams()
    const [grid, market] = [await streams.open(), await streams.open({ pipeline: 'market' })]
    await grid.ensure([spec('demand'), spec('_replay.mood@1')])
    await market.ensure([spec('ticks'), spec('_replay.mood@1')])
    expect((await grid.topics()).map(({ name }) => name).sort()).toEqual(['_replay.mood@1', 'demand'])
    expect((await market.topics()).map(({ name }) => name).sort()).toEqual(['_replay.mood@1', 'ticks'])
    expect(grid.logId).not.toBe(market.logId)
    await grid.append([batch('_replay.mood@1', 0, ['x'])])
    expect(await market.bounds('_replay.mood@1')).toEqual([{ first: 0, next: 0 }])
    expect(await kafkaPipelines({ brokers: [streams.broker], pipeline: '', prefix: streams.prefix })).toEqual(['grid', 'market'])
  })
})

describe('the largest datum that is taken', () => {
  it('is what the least of the topics has room for, also where it was made by somebody else', async () => {
    await using streams = new Streams()
    const stream = await streams.open({ compression: 'none' })
    await stream.ensure([spec('demand')])
    const before = stream.capabilities.maxDatumBytes!
    expect(before).toBeGreaterThan(12_000_000)
    await setTopic(streams, 'demand', 'max.message.bytes', '1000000')
    await stream.ensure([spec('demand'), spec('alerts')])
    const most = stream.capabilities.maxDatumBytes!
    expect(most).toBeLessThan(before)
    const largest = 'x'.repeat(most - 200)
    expect(await stream.append([batch('demand', 0, [largest])])).toMatchObject([{ first: 0 }])
    const refusal = await stream.append([batch('demand', 0, [largest + largest.slice(0, 100_000)])]).catch((error: unknown) => error)
    expect(isMillraceError(refusal, 'BODY_TOO_LARGE')).toBe(true)
  })
})

describe('an append', () => {
  it('that is larger than the topic takes is refused by itself, with the command that raises the limit', async () => {
    await using streams = new Streams()
    const stream = await streams.open({ compression: 'none' })
    await stream.ensure([spec('demand')])
    const [large, small] = [batch('demand', 0, ['x'.repeat(14_000_000)]), batch('demand', 0, texts('kept', 2))]
    const [refused, kept] = await Promise.allSettled([stream.append([large]), stream.append([small])])
    expect(kept).toMatchObject({ status: 'fulfilled', value: [{ first: 0, count: 2 }] })
    expect(isMillraceError((refused as PromiseRejectedResult).reason, 'BODY_TOO_LARGE')).toBe(true)
    expect(String((refused as PromiseRejectedResult).reason)).toMatch(/demand\/0 .*--add-config max\.message\.bytes/)
    expect(await stream.append([batch('demand', 0, ['after'])])).toMatchObject([{ first: 2 }])
  })

  it('beyond what may be under way is refused before anything of it is stored', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    const mebibyte = 'x'.repeat(1024 * 1024)
    const appends = await Promise.allSettled(Array.from({ length: 80 }, () => stream.append([batch('demand', 0, [mebibyte])])))
    const refused = appends.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every(error => isMillraceError(error, 'OVERLOADED'))).toBe(true)
    expect((await stream.bounds('demand'))[0]?.next).toBe(80 - refused.length)
  })
})
