import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import * as kafka from '@platformatic/kafka'
import { expect, it } from 'vitest'
import type { KafkaClient } from '../../../src/stream/adapters/kafka/client.ts'
import { Cluster } from '../../../src/stream/adapters/kafka/cluster.ts'
import { settingsOf } from '../../../src/stream/adapters/kafka/options.ts'

/** Which brokers are up, by number; the highest leads the only partition of `demand`. */
function clusterOf(up: Set<number>): Cluster {
  const port = (node: number) => 9000 + node
  class Pool {
    on(): void {}
    async get(broker: { port: number }): Promise<object> {
      if (broker.port === port(0) || [...up].some(node => port(node) === broker.port)) return {}
      throw new kafka.NetworkError(`connect ECONNREFUSED ${broker.port}`)
    }
  }
  const metadata = async (_connection: unknown, topics: readonly string[]) => ({
    brokers: [...up].map(nodeId => ({ nodeId, host: '127.0.0.1', port: port(nodeId) })),
    clusterId: 'c',
    topics: topics.map(name => ({
      name,
      topicId: 'id',
      errorCode: 0,
      partitions: [{ partitionIndex: 0, leaderId: Math.max(...up), replicaNodes: [1, 2, 3] }],
    })),
  })
  // Of the client only what a lookup needs.
  const client = { ...kafka, ConnectionPool: Pool, metadataV12: { api: { async: metadata } } } as unknown as KafkaClient
  return new Cluster(client, settingsOf({ brokers: ['127.0.0.1:9000'], pipeline: 'grid' }))
}

it('a leader that went away is not asked for ever: whoever cannot reach it learns who leads now', async () => {
  const up = new Set([1, 2, 3])
  const cluster = clusterOf(up)
  const leaderOf = async () => (await cluster.topic('demand'))?.partitions[0]?.leader
  expect(await leaderOf()).toBe(3)
  up.delete(3)
  // Refused, while it counts as one of the brokers.
  await expect(cluster.connect(3)).rejects.toThrow('ECONNREFUSED')
  expect(await leaderOf()).toBe(2)
  up.add(3)
  await cluster.refresh(['demand'])
  expect(await leaderOf()).toBe(3)
  up.delete(3)
  // Another question has found out that it is no broker any more.
  await cluster.refresh([])
  await expect(cluster.connect(3)).rejects.toThrow('the broker 3 is not among those that are known')
  expect(await leaderOf()).toBe(2)
})

it('a connection may fail twice, refused and then reset, and nobody is harmed by it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const cluster = new Cluster(kafka, settingsOf({ brokers: [`127.0.0.1:${port}`], pipeline: 'grid' }))
  const pool = cluster.newPool()
  const connection = await pool.get({ host: '127.0.0.1', port })
  for (const why of ['refused', 'reset']) expect(connection.emit('error', new Error(why))).toBe(true)
  await connection.close()
  await pool.close()
  server.close()
})
