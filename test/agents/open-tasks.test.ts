import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OpenTasks } from '../../src/agents/open-tasks.ts'
import type { Task } from '../../src/agents/task.ts'

const OFFSETS = 300
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.nat(OFFSETS) }) },
    { weight: 4, arbitrary: fc.record({ delete: fc.nat(OFFSETS) }) },
    { weight: 1, arbitrary: fc.constant({ clear: true }) },
  ),
  { maxLength: 200 },
)

it('has the tasks that were set and not deleted, in the order of their offsets', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 2 ** 40 }), (taken, base) => {
      const open = new OpenTasks()
      const model = new Map<number, Task>()
      for (const step of taken) {
        if ('set' in step) {
          const task = { offset: base + step.set } as Task
          open.set(task)
          model.set(task.offset, task)
        } else if ('delete' in step) {
          open.delete(base + step.delete)
          model.delete(base + step.delete)
        } else {
          open.clear()
          model.clear()
        }
        expect(open.size).toBe(model.size)
        expect([...open.values()]).toEqual([...model.values()].sort((a, b) => a.offset - b.offset))
      }
    }),
  )
})
