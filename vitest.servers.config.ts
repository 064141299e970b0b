import { totalmem } from 'node:os'
import { defineConfig } from 'vitest/config'
import tests, { LongFirst } from './vitest.config.ts'

const TIMED = 'test/**/*.timed.servers.test.ts'

/** What a fault test's processes and servers take at most. */
const FLEET_BYTES = 4e9
/** Half of its time a fault test waits, for a session to end or a process to be there again: three keep two cores busy, and with more their processes are long in coming up. */
const maxWorkers = Math.max(2, Math.min(3, Math.floor(totalmem() / FLEET_BYTES)))
const { sequence: _, ...shared } = tests.test ?? {}
const common = { ...shared, maxWorkers, typecheck: { enabled: false }, testTimeout: 240_000, hookTimeout: 240_000, exclude: [TIMED] }

/** The tests that need real servers: `npm run test:servers`. */
export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    sequence: { sequencer: LongFirst },
    projects: [
      { ...tests, test: { ...common, name: 'servers', include: ['test/**/*.servers.test.ts'] } },
      // What promises a time is measured when nothing else runs.
      { ...tests, test: { ...common, name: 'timed', include: [TIMED], exclude: [], maxWorkers: 1, retry: 2, sequence: { groupOrder: 1 } } },
    ],
  },
})
