import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'

const BIN = readFileSync(resolve(import.meta.dirname, '../../bin/millrace.js'), 'utf8')

/** Runs the executable as an older Node would: as a script, for those do not know modules by package.json's "type". */
function runOn(version: string): { stderr: string; exitCode: number | undefined } {
  const process = {
    versions: { node: version },
    stderr: { write: (text: string) => (said += text) },
    exitCode: undefined as number | undefined,
  }
  let said = ''
  runInNewContext(BIN.replace(/^#!.*/, ''), { process })
  return { stderr: said, exitCode: process.exitCode }
}

it.each(['10.24.1', '18.20.0', '20.11.0', '23.9.0'])(
  'on Node %s it says in one sentence what is needed and the command that helps',
  version => {
    expect(runOn(version)).toEqual({
      stderr: `Millrace needs Node 24 or newer and this is Node ${version}: run "npm i -D node@24" and then npx millrace again.\n`,
      exitCode: 1,
    })
  },
)

it('is no module syntax, so that a Node which knows none reads as far as the sentence', () => {
  expect(BIN).toMatch(/^#!\/usr\/bin\/env node\n/)
  expect(BIN).not.toMatch(/^(import|export) /m)
})
