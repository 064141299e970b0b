import { defineConfig } from 'vitest/config'
import tests from './vitest.config.ts'

/** The tests that need real servers: `npm run test:servers`. */
export default defineConfig({
  ...tests,
  test: {
    include: ['test/**/*.servers.test.ts'],
    globalSetup: ['test/servers/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Servers are started, killed and started again in them, on machines with two cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    execArgv: ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning'],
  },
})
