import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withoutPackage } from '../../without-package.ts'

it.each(['@aws-sdk/client-s3', '@aws-sdk/lib-storage'])('s3() says what to install where there is no %s', async name => {
  const source = join(import.meta.dirname, '../../../src/storage/adapters/s3/index.ts')
  const script = `
    import { s3 } from '${source}'
    const store = s3({ bucket: 'lake', region: 'eu-central-1' })
    await store.open({ now: Date.now, sleep: async () => {}, after: () => () => {} }).catch(({ code, fix }) => console.log(code, fix))`
  expect((await withoutPackage(name, script)).trim()).toBe('CLIENT_MISSING Run: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage')
})
