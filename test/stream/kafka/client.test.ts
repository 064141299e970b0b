import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const LOAD = new URL('../../../src/stream/adapters/kafka/client.ts', import.meta.url).href

/** In a process of its own: here another test may have loaded the client before. */
const SCRIPT = `
let made = 0
globalThis.Function = new Proxy(Function, {
  construct(target, args) {
    // What ajv makes of a schema is given ajv itself, and where its names are.
    if (args[0] === 'self' && args[1] === 'scope') made++
    return Reflect.construct(target, args)
  },
})
const { loadClient } = await import('${LOAD}')
const { Admin } = await loadClient()
const whileLoading = made
const admin = options => new Admin({ clientId: 'a', bootstrapBrokers: ['127.0.0.1:1'], strict: true, ...options })
const refused = []
for (const options of [{}, { clientId: '' }, { retries: -1 }]) {
  try { await admin(options).close() } catch (error) { refused.push(error.message) }
}
process.stdout.write(JSON.stringify({ whileLoading, afterwards: made > 0, refused }))
`

it('compiles no schema of options that are not asked about, and judges those that are', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, '--input-type=module', '--eval', SCRIPT])
  expect(JSON.parse(stdout)).toEqual({
    whileLoading: 0,
    afterwards: true,
    refused: [expect.stringContaining('clientId'), expect.stringContaining('retries')],
  })
})
