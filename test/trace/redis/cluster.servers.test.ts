import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placingByNote, sharedTraceSuite } from '../../../src/testing/shared-trace-suite.ts'
import { traceSuite } from '../../../src/testing/trace-suite.ts'
import { openRedis, redisOptions } from '../../../src/trace/adapters/redis/index.ts'
import { startRedisCluster } from '../../servers/redis.ts'

let cluster: Awaited<ReturnType<typeof startRedisCluster>>
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

function opening(query: string) {
  return async () => {
    const hosts = cluster.nodes.map(node => `127.0.0.1:${node.port}`).join()
    const subject = await openRedis(redisOptions(`redis+cluster://${hosts}?prefix=${randomUUID()}:&${query}`))
    return { subject, dispose: () => subject.close() }
  }
}

const framework = { describe, it }
for (const layout of ['readable', 'packed'] as const) {
  const under = { open: opening(`layout=${layout}`), ...(layout === 'packed' ? { terse: true as const } : {}) }
  const name = `a Redis cluster, ${layout},`
  traceSuite(framework, name, { ...under, place: placingByNote(), durable: false, recognisesCopies: true })
  sharedTraceSuite(framework, name, under)
}

describe('a Redis cluster', () => {
  it('refuses a prefix that would choose where keys lie', async () => {
    const url = `redis+cluster://127.0.0.1:${cluster.nodes[0]!.port}?prefix=${encodeURIComponent('{grid}:')}`
    await expect(openRedis(redisOptions(url))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
