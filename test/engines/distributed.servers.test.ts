import { randomBytes } from 'node:crypto'
import { describe, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { openKafka } from '../../src/stream/adapters/kafka/index.ts'
import { engineSuite } from '../../src/testing/engine-suite.ts'
import { openRedis, redisOptions } from '../../src/trace/adapters/redis/index.ts'
import { servers } from '../servers/shared.ts'

for (const layout of ['readable', 'packed'] as const) {
  engineSuite({ describe, it }, `Kafka and Redis (${layout})`, {
    async open() {
      const { kafka, redis } = servers()
      const name = `suite${randomBytes(6).toString('hex')}`
      const open = async () => {
        const stream = await openKafka({ brokers: [kafka], pipeline: name, prefix: `${name}.` })
        const trace = await openRedis({ ...redisOptions(redis), prefix: `${name}:`, layout })
        return new DistributedEngine({ stream, trace, clock: systemClock })
      }
      let subject = await open()
      return {
        subject,
        async reopen() {
          await subject.close()
          subject = await open()
          return subject
        },
        dispose: () => subject.close(),
      }
    },
    durable: true,
    transactional: false,
    detailed: layout === 'readable',
  })
}
