import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import tests from './vitest.config.ts'

const TIMED = 'test/**/*.timed.servers.test.ts'

/** Faults take minutes: begun last, one of them would be waited for by everything else. */
class FaultsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFault = ({ moduleId }: TestSpecification) => moduleId.includes('/faults/')
    const sorted = await super.sort(files)
    return [...sorted.filter(isFault), ...sorted.filter(file => !isFault(file))]
  }
}

// Servers are started, killed and started again in them, on machines with two cores.
const common = { ...tests.test, maxWorkers: 2, typecheck: { enabled: false }, testTimeout: 120_000, hookTimeout: 120_000, exclude: [TIMED] }

/** The tests that need real servers: `npm run test:servers`. */
export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    sequence: { sequencer: FaultsFirst },
    projects: [
      { ...tests, test: { ...common, name: 'servers', include: ['test/**/*.servers.test.ts'] } },
      // What promises a time is measured when nothing else runs.
      { ...tests, test: { ...common, name: 'timed', include: [TIMED], exclude: [], maxWorkers: 1, retry: 2, sequence: { groupOrder: 1 } } },
    ],
  },
})
