import { openEmbedded } from '../../src/engine/embedded/index.ts'
import { everySuite, overDirectory } from './under-test.ts'

const open = () =>
  overDirectory(async directory => {
    const engine = await openEmbedded({ directory })
    return { engine, stop: () => engine.close() }
  })

everySuite('the embedded engine', open, true)
