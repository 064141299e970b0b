import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refused } from '../../../src/testing/refusal.ts'
import { openRedis, redisOptions } from '../../../src/trace/adapters/redis/index.ts'
import { DONE, FRESH } from '../../../src/trace/trace.ts'
import { type RedisSentinels, startRedisSentinels } from '../../servers/redis.ts'
import { until } from '../../servers/until.ts'
import { claim, FORECAST, foreigner, marks, placed } from './scene.ts'

const FAILOVER_MS = 60_000

let group: RedisSentinels
beforeAll(async () => {
  group = await startRedisSentinels()
})
afterAll(() => group[Symbol.asyncDispose]())

describe('a Redis behind sentinels', () => {
  it('whose name the sentinels do not know is TRACE_UNAVAILABLE', async () => {
    const url = `redis+sentinel://127.0.0.1:${group.sentinels[0]!.port}/nobody?timeout=1s`
    await refused('opening', 'TRACE_UNAVAILABLE', () => openRedis(redisOptions(url)))
  })

  it('goes on with the replica when the primary dies, with the marks that had reached it', async () => {
    const hosts = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join()
    const warnings: string[] = []
    const options = redisOptions(`redis+sentinel://${hosts}/${group.primaryName}?timeout=2s`)
    const trace = await openRedis({ ...options, warn: text => warnings.push(text) })
    await using replica = await foreigner(group.replica.port)
    try {
      const data = placed(3)
      expect(await claim(trace, data)).toEqual([FRESH, FRESH, FRESH])
      await trace.mark(FORECAST, marks(data))
      await until('the replica has the marks', FAILOVER_MS, async () => {
        if ((await replica.dbSize()) < 3) throw new Error(`${await replica.dbSize()} of 3 keys`)
      })
      await group.primary.kill()
      await until('the replica is asked in its place', FAILOVER_MS, () => claim(trace, placed(1, 100)))
      expect(await claim(trace, data)).toEqual([DONE, DONE, DONE])
      expect(warnings).toEqual([])
    } finally {
      await trace.close()
    }
  })
})
