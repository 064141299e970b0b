import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Hundreds of processes and threads of the tests load the same code: with this it takes a third of the CPU. And what is found there is
// not stripped of its types, which Node does by WebAssembly; a thread that ends with that in it crashes its process now and then.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'millrace-test-compile-cache')

/** Faults and whole processes take a minute a file: begun last, one of them would be waited for by everything else. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => /\/test\/(faults|e2e)\//.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))]
  }
}

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source', 'node'], externalConditions: ['millrace-source', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Those need real servers: npm run test:servers.
    exclude: [...configDefaults.exclude, '**/*.servers.test.ts'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'] },
    sequence: { sequencer: LongFirst },
    pool: 'forks',
    // What the files share is loaded once in each worker, not three hundred times.
    isolate: false,
    // Twice the cores of a small machine: many wait, for a process or a lease.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    execArgv: ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning'],
  },
})
