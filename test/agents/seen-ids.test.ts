import { expect, it } from 'vitest'
import { REMEMBERED, SeenIds } from '../../src/agents/seen-ids.ts'
import { ID_BYTES } from '../../src/envelope/data-id.ts'

function id(n: number): Buffer {
  const bytes = Buffer.alloc(ID_BYTES)
  bytes.writeUInt32BE(n, 12)
  return bytes
}

it('remembers the last data, however many came before, and forgets what lies twice as far back', () => {
  const seen = new SeenIds()
  const count = 3 * REMEMBERED + 10
  for (let n = 0; n < count; n++) expect(seen.meet(id(n), 0)).toBe(false)
  for (let n = count - REMEMBERED; n < count; n++) expect(seen.meet(id(n), 0)).toBe(true)
  expect(seen.meet(id(0), 0)).toBe(false)
})

it('goes on from what it held, to the same answers', () => {
  const before = new SeenIds()
  for (let n = 0; n < REMEMBERED + 500; n++) before.meet(id(n), 0)
  const after = new SeenIds()
  after.restore(before.content)
  for (let n = 0; n < 2 * REMEMBERED; n += 97) expect([n, after.meet(id(n), 0)]).toEqual([n, before.meet(id(n), 0)])
})
