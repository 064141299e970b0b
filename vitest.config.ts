import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source', 'node'], externalConditions: ['millrace-source', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Those need real servers: npm run test:servers.
    exclude: [...configDefaults.exclude, '**/*.servers.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    execArgv: ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning'],
  },
})
