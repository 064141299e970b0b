import { expect, test } from 'vitest'
import { Scene } from './scene.ts'

test('a datum is found at the position that the caller knows, and also when the caller is wrong', async () => {
  await using scene = await Scene.open('demand')
  const [first, second] = await scene.send('demand', 'k', '1', '2')
  await scene.work({ name: 'average', version: 1 }, ['demand'], () => [])
  const known = await scene.engine.find(second!)
  expect(known).toMatchObject({ dataId: second, positions: [{ offset: 1 }], marks: [{ name: 'average', state: 'done' }] })
  for (const offset of [1, 0, 99]) expect(await scene.engine.find(second!, { topic: 'demand', partition: 0, offset })).toEqual(known)
  expect(await scene.engine.find(first!, { topic: 'demand', partition: 0, offset: 0 })).toMatchObject({ dataId: first })
})
