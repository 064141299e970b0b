import { connectEmbedded, openEmbedded } from '../../src/engine/embedded/index.ts'
import { everySuite, overDirectory } from './under-test.ts'

/** As an agent's thread has it: by a port to the writer, and a connection of its own to read by. */
const open = () =>
  overDirectory(async directory => {
    const main = await openEmbedded({ directory })
    const engine = connectEmbedded({ directory, port: main.connect() })
    return {
      engine,
      async stop() {
        await engine.close()
        await main.close()
      },
    }
  })

everySuite('the embedded engine by a port', open, true)
