import { openInMemory } from '../../src/engine/embedded/index.ts'
import { everySuite } from './under-test.ts'

everySuite(
  'the engine in memory',
  async () => {
    const subject = await openInMemory({})
    return { subject, dispose: () => subject.close() }
  },
  false,
)
