import { expect, it } from 'vitest'
import { MillraceError } from '../../../src/errors.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'
import { Scene } from './scene.ts'

const sample = (n: number) => ({ text: 'x', id: `01941f29-7c00-7a5e-8c3b-${String(n).padStart(12, '0')}`, supplied: true })

it('an id that is sent again and again is stored once, however soon after each other', async () => {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([spec('demand')])
  for (let times = 0; times < 5; times++) await engine.append([batch('demand', 0, [sample(1)])])
  await engine.append([batch('demand', 0, [sample(2)])])
  const [again] = await engine.append([batch('demand', 0, [sample(1), sample(2), sample(3)])])
  expect(again).toMatchObject({ count: 1, duplicates: [0, 1] })
  expect((await engine.bounds('demand'))[0]?.next).toBe(3)
})

it('a trace that is away keeps nothing from being appended: copies are recognised by whoever reads them', async () => {
  const scene = new Scene()
  const away = async () => {
    throw new MillraceError('TRACE_UNAVAILABLE', 'away')
  }
  Object.assign(scene.trace, { known: away, note: away })
  const engine = scene.engine()
  await engine.ensure([spec('demand')])
  for (let times = 0; times < 3; times++) await engine.append([batch('demand', 0, [sample(1)])])
  expect((await engine.bounds('demand'))[0]?.next).toBe(3)
})
