import { afterEach, expect, it, vi } from 'vitest'
import { untilInterrupted } from '../../src/cli/interrupt.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('takes a Ctrl-C that arrives twice, from the terminal and handed on by npm, for one; a later one ends the process at once', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as () => never)
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000)
  using interrupt = untilInterrupted()
  process.emit('SIGINT')
  expect(interrupt.signal.aborted).toBe(true)
  now.mockReturnValue(1_020)
  process.emit('SIGTERM')
  expect(exit).not.toHaveBeenCalled()
  now.mockReturnValue(2_000)
  process.emit('SIGINT')
  expect(exit).toHaveBeenCalledWith(130)
})
