import { describe, it } from 'vitest'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { streamSuite } from '../../src/testing/stream-suite.ts'

streamSuite({ describe, it }, 'the stream in memory', {
  async open() {
    const broker = new MemoryBroker()
    let subject = broker.connect()
    return {
      subject,
      async reopen() {
        await subject.close()
        subject = broker.connect()
        return subject
      },
      dispose: () => subject.close(),
    }
  },
  durable: true,
})
