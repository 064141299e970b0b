import { existsSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

it('a process whose database is destroyed under it ends by itself, not with 0, and says why', { timeout: 180_000 }, async () => {
  await using harness = new Harness(seeded(seedOf('engine-failure')))
  const millrace = harness.start()
  harness.send()
  await until('the load is under way', 60_000, () => harness.acknowledged > 300)
  await harness.finish()
  truncateSync(join(harness.data, 'millrace.db'), 100)
  truncateSync(join(harness.data, 'millrace.db-wal'), 0)
  // The writer finds out when it next moves what it has written into the file, which it does when the load pauses.
  harness.send()
  await until('more was sent', 60_000, () => harness.producers.every(({ answers }) => answers.size > 0))
  harness.abandon()
  const late = setTimeout(() => millrace.signal('SIGKILL'), 30_000)
  const { code } = await millrace.ended
  clearTimeout(late)
  expect(code, millrace.errors).toBe(1)
  expect(millrace.errors).toContain('database')
  expect(existsSync(join(harness.data, 'runtime.json'))).toBe(false)
})
