/** Counts the test run that the runner has written down. Exits with 1 where something failed, was skipped, or never ran. */
import { existsSync, readFileSync } from 'node:fs'

interface Results {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

const file = process.argv[2]
if (file === undefined || !existsSync(file)) {
  process.stdout.write('The tests did not run: see above.\n0 passed, 1 failed\n')
  process.exit(1)
}
// Vitest's JSON reporter: https://vitest.dev/guide/reporters#json-reporter
const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Results
const tests = testResults.flatMap(result => result.assertionResults)
const passed = tests.filter(test => test.status === 'passed').length
const notRun = tests.filter(test => test.status !== 'passed' && test.status !== 'failed')
// A file that does not load has no tests to count: it counts as one that failed.
const broken = testResults.filter(result => result.status === 'failed' && !result.assertionResults.some(test => test.status === 'failed'))
const failed = tests.filter(test => test.status === 'failed').length + broken.length

for (const test of notRun) process.stdout.write(`Not run (${test.status}): ${test.fullName}\n`)
for (const result of broken) process.stdout.write(`Did not load: ${result.name}\n`)
process.stdout.write(`${passed} passed, ${failed + notRun.length} failed\n`)
process.exit(failed + notRun.length > 0 || passed === 0 ? 1 : 0)
