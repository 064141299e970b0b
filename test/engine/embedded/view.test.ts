import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openEmbedded, viewEmbedded } from '../../../src/engine/embedded/index.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, dataOf, readAll, spec } from '../../../src/testing/suite-data.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()

test('a view sees what is committed while the engine runs, topics made later too', async () => {
  const at = directory()
  const engine = await open({ directory: at })
  await engine.ensure([spec('demand')])
  const view = viewEmbedded(at)
  await engine.append([batch('demand', 0, ['one'])])
  expect(await readAll(view, 'demand', 0)).toEqual(['one'])
  await engine.append([batch('demand', 0, ['two'])])
  await engine.ensure([spec('supply', 2)])
  expect(await readAll(view, 'demand', 0)).toEqual(['one', 'two'])
  expect((await view.topics()).map(t => t.name)).toEqual(['demand', 'supply'])
  expect(await view.bounds('supply')).toHaveLength(2)
  await view.close()
})

test('a view reads when no process runs', async () => {
  const at = directory()
  const engine = await open({ directory: at })
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, ['one'])])
  const id = dataOf(await engine.read('demand', 0, 0, 1))[0]!.id
  await engine.close()
  const view = viewEmbedded(at)
  expect(await readAll(view, 'demand', 0)).toEqual(['one'])
  expect((await view.find(id))?.positions).toHaveLength(1)
  await view.close()
})

test('a view of a place without data says so', async () => {
  await refused('a view of nothing', 'DATA_DIRECTORY_MISSING', async () => viewEmbedded(join(directory(), 'nowhere')))
})

test('a data directory of another layout is refused, by the engine and by a view', async () => {
  const at = directory()
  await (await openEmbedded({ directory: at })).close()
  const db = new DatabaseSync(join(at, 'millrace.db'))
  db.exec('PRAGMA user_version = 99')
  db.close()
  const error = await refused('opening a later layout', 'DATA_DIRECTORY_VERSION', () => openEmbedded({ directory: at }))
  expect(error.message).toContain('layout 99')
  await refused('viewing a later layout', 'DATA_DIRECTORY_VERSION', async () => viewEmbedded(at))
})
