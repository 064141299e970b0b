/** Counts the test runs that the runner has written down, all together. Exits with 1 where something failed, was skipped, or never ran. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface Results {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

const files = process.argv.slice(2)
const totals = files.map(count)
const passed = totals.reduce((sum, total) => sum + total.passed, 0)
const failed = totals.reduce((sum, total) => sum + total.failed, 0)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)

function count(file: string): { readonly passed: number; readonly failed: number } {
  const results = read(file)
  if (results === undefined) {
    process.stdout.write(`${basename(file, '.json')} did not run to the end: see above.\n`)
    return { passed: 0, failed: 1 }
  }
  const tests = results.flatMap(result => result.assertionResults)
  const notRun = tests.filter(test => test.status !== 'passed' && test.status !== 'failed')
  // A file that does not load has no tests to count: it counts as one that failed.
  const broken = results.filter(result => result.status === 'failed' && !result.assertionResults.some(test => test.status === 'failed'))
  for (const test of notRun) process.stdout.write(`Not run (${test.status}): ${test.fullName}\n`)
  for (const result of broken) process.stdout.write(`Did not load: ${result.name}\n`)
  const of = (status: string) => tests.filter(test => test.status === status).length
  return { passed: of('passed'), failed: of('failed') + broken.length + notRun.length }
}

/** Vitest's JSON reporter: https://vitest.dev/guide/reporters#json-reporter. A run that found no test at all did not run. */
function read(file: string): Results['testResults'] | undefined {
  if (!existsSync(file)) return undefined
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Results
  return testResults.length === 0 ? undefined : testResults
}
