import { randomBytes } from 'node:crypto'
import { describe, it } from 'vitest'
import { openKafka } from '../../src/stream/adapters/kafka/index.ts'
import { streamSuite } from '../../src/testing/stream-suite.ts'
import { servers } from '../servers/shared.ts'

streamSuite({ describe, it }, 'Kafka', {
  durable: true,
  async open() {
    const open = () => openKafka({ brokers: [servers().kafka], pipeline: 'suite', prefix })
    const prefix = `suite-${randomBytes(6).toString('hex')}.`
    let stream = await open()
    return {
      subject: stream,
      async reopen() {
        await stream.close()
        stream = await open()
        return stream
      },
      dispose: () => stream.close(),
    }
  },
})
