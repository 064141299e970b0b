import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Stands for a machine on which the package was never installed: nothing finds it. */
const WITHOUT = (name: string) => `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '${name}') throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(specifier, context)
    },
  })`

it.each(['@aws-sdk/client-s3', '@aws-sdk/lib-storage'])('s3() says what to install where there is no %s', async name => {
  const source = join(import.meta.dirname, '../../../src/storage/adapters/s3/index.ts')
  const script = `
    import { s3 } from '${source}'
    const store = s3({ bucket: 'lake', region: 'eu-central-1' })
    await store.open({ now: Date.now, sleep: async () => {}, after: () => () => {} }).catch(({ code, fix }) => console.log(code, fix))`
  const hooks = `data:text/javascript,${encodeURIComponent(WITHOUT(name))}`
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    '--import',
    hooks,
    '--input-type=module',
    '--eval',
    script,
  ])
  expect(stdout.trim()).toBe('CLIENT_MISSING Run: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage')
})
