import { expect, it } from 'vitest'
import { Closers } from '../../src/runtime/closers.ts'

it('closes the last opened first, each once, however often it is asked', async () => {
  const closed: string[] = []
  const closers = new Closers()
  for (const name of ['engine', 'agents', 'door']) closers.add(name, () => void closed.push(name))
  await Promise.all([closers.close(), closers.close()])
  expect(closed).toEqual(['door', 'agents', 'engine'])
})

it('closes the rest where one cannot be closed, and says which', async () => {
  const closed: string[] = []
  const closers = new Closers()
  closers.add('engine', () => void closed.push('engine'))
  closers.add('agents', () => Promise.reject(new Error('stuck')))
  await expect(closers.close()).rejects.toThrow('Not everything could be closed: agents: stuck')
  expect(closed).toEqual(['engine'])
})
