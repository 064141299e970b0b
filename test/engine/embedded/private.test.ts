import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()
const rightsOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const DATABASE = ['lock.db', 'millrace.db', 'millrace.db-shm', 'millrace.db-wal']

test('a data directory is made for its owner only', async () => {
  const at = join(directory(), 'folder', 'data')
  await open({ directory: at })
  expect(rightsOf(at)).toBe('700')
  expect(rightsOf(join(at, '..'))).toBe('700')
})

test('in one that others may enter, the data are for their owner only', async () => {
  const at = directory()
  chmodSync(at, 0o755)
  await open({ directory: at })
  const rights = readdirSync(at)
    .filter(name => DATABASE.includes(name))
    .map(name => [name, rightsOf(join(at, name))])
  expect(rights).toEqual(DATABASE.map(name => [name, '600']))
  expect(rightsOf(at)).toBe('755')
})

test('a data directory that cannot be made is told by its name, with what to do', async () => {
  const file = join(directory(), 'file')
  writeFileSync(file, '')
  const at = join(file, 'data')
  const error = await refused('opening it', 'CONFIG_INVALID', () => openEmbedded({ directory: at }))
  expect(error.message).toContain(at)
  expect(error.fix).toContain('--data')
})
