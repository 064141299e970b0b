import { describe, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { engineSuite } from '../../src/testing/engine-suite.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'

engineSuite({ describe, it }, 'the distributed engine in memory', {
  async open() {
    const broker = new MemoryBroker()
    const open = () => new DistributedEngine({ stream: broker.connect(), trace: openMemoryTrace(), clock: systemClock })
    const subject = open()
    return { subject, dispose: () => subject.close() }
  },
  durable: false,
  transactional: false,
  detailed: true,
})
