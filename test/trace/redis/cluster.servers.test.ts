import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refused } from '../../../src/testing/refusal.ts'
import { placingByNote, sharedTraceSuite } from '../../../src/testing/shared-trace-suite.ts'
import { traceSuite } from '../../../src/testing/trace-suite.ts'
import { openRedis, redisOptions } from '../../../src/trace/adapters/redis/index.ts'
import { AGAIN, DONE, FRESH } from '../../../src/trace/trace.ts'
import { startRedisCluster } from '../../servers/redis.ts'
import { until } from '../../servers/until.ts'
import { claim, FORECAST, foreigner, marks, placed, wayTo } from './scene.ts'

const BACK_MS = 60_000

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

  it('is warned of where it evicts', async () => {
    const [node] = cluster.nodes
    await using admin = await foreigner(node!.port)
    const warnings: string[] = []
    await admin.configSet({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' })
    for (const { port } of cluster.nodes.slice(1)) {
      await using other = await foreigner(port)
      await other.configSet({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' })
    }
    const trace = await openRedis({ ...redisOptions(`redis+cluster://127.0.0.1:${node!.port}`), warn: text => warnings.push(text) })
    await trace.close()
    expect(warnings).toEqual([expect.stringContaining('allkeys-lru')])
  })

  it('is connected anew where one node’s connection died without a word, while the others answer', async () => {
    const [first, node] = cluster.nodes
    await using way = await wayTo(node!.port)
    await using admin = await foreigner(node!.port)
    await admin.configSet({ 'cluster-announce-bus-port': `${node!.port + 10_000}`, 'cluster-announce-port': `${way.port}` })
    await using other = await foreigner(first!.port)
    await using third = await foreigner(cluster.nodes[2]!.port)
    const announced = (port: number) =>
      until(`the others know it by ${port}`, BACK_MS, async () => {
        for (const asked of [other, third])
          if (!String(await asked.sendCommand(['CLUSTER', 'NODES'])).includes(`:${port}@`)) throw new Error('they do not')
      })
    await announced(way.port)
    const trace = await openRedis(redisOptions(`redis+cluster://127.0.0.1:${first!.port}?prefix=${randomUUID()}:&timeout=1s`))
    try {
      const data = placed(200)
      expect(new Set(await claim(trace, data))).toEqual(new Set([FRESH]))
      way.freeze()
      await refused('a claim', 'TRACE_UNAVAILABLE', () => claim(trace, data))
      expect(new Set(await until('all nodes answer', BACK_MS, () => claim(trace, data)))).toEqual(new Set([AGAIN]))
    } finally {
      await trace.close()
      await admin.configSet({ 'cluster-announce-port': '0', 'cluster-announce-bus-port': '0' })
      // Whoever opens the cluster next is not to be sent the dead way.
      await announced(node!.port)
    }
  })

  it('is away for what lies on a node that has died, and answers again once it is back', async () => {
    const hosts = cluster.nodes.map(node => `127.0.0.1:${node.port}`).join()
    const trace = await openRedis(redisOptions(`redis+cluster://${hosts}?prefix=${randomUUID()}:&timeout=2s`))
    try {
      const data = placed(200)
      expect(new Set(await claim(trace, data))).toEqual(new Set([FRESH]))
      await cluster.nodes[1]!.kill()
      await refused('a claim', 'TRACE_UNAVAILABLE', () => claim(trace, data))
      await cluster.nodes[1]!.restart()
      const states = await until('the cluster is whole again', BACK_MS, () => claim(trace, data))
      expect(states.every(state => state === FRESH || state === AGAIN)).toBe(true)
      // Marks only rise: where one is not answered in time it is made again.
      await until('all are marked', BACK_MS, () => trace.mark(FORECAST, marks(data)).then(() => true))
      expect(new Set(await until('all are claimed', BACK_MS, () => claim(trace, data)))).toEqual(new Set([DONE]))
    } finally {
      await trace.close()
    }
  })
})
