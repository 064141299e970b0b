import { expect, test } from 'vitest'
import { Outbox } from '../../../src/engine/embedded/outbox.ts'
import { isMillraceError } from '../../../src/errors.ts'

const MB = 1024 * 1024
const large = () => [{ place: 1, frames: new Uint8Array(8 * MB), count: 1, ascii: true }]

test('while the writer does not answer, at most 64 MB wait; what is beyond is OVERLOADED', async () => {
  const outbox = new Outbox(() => {})
  const outcomes = Array.from({ length: 12 }, () => outbox.append(large()).catch((error: unknown) => error))
  const refused = await Promise.all(outcomes.slice(8))
  expect(refused.every(error => isMillraceError(error, 'OVERLOADED'))).toBe(true)
  outbox.end(new Error('over'))
  expect((await Promise.all(outcomes.slice(0, 8))).every(error => error instanceof Error && error.message === 'over')).toBe(true)
})

test('once the writer has answered there is room again', async () => {
  const answered: number[] = []
  const outbox: Outbox = new Outbox(({ id, appends }) => {
    answered.push(id)
    setImmediate(() => outbox.receive({ id, appended: new Float64Array(appends * 2), exceptions: [], results: [] }))
  })
  for (let i = 0; i < 20; i++) await outbox.append(large())
  expect(answered).toHaveLength(20)
})
