import fc from 'fast-check'
import { expect, it } from 'vitest'
import { JobQueue } from '../../../src/agents/remote/job-queue.ts'
import type { Job } from '../../../src/agents/remote.ts'

const steps = fc.array(
  fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 90 }) }),
    fc.record({ putBack: fc.integer({ min: 0, max: 90 }) }),
    fc.record({ drop: fc.integer({ min: 0, max: 120 }) }),
    fc.constant({ dropAborted: true }),
  ),
  { maxLength: 40 },
)

it('is what an array would be, first in first out', () => {
  fc.assert(
    fc.property(steps, taken => {
      let made = 0
      const jobs = (count: number) => Array.from({ length: count }, () => ({ datum: made++, aborted: made % 7 === 0 }) as Job)
      const first = jobs(70)
      const queue = new JobQueue(first)
      let model = [...first]
      for (const step of taken) {
        if ('push' in step) {
          const more = jobs(step.push)
          for (const job of more) queue.push(job)
          model.push(...more)
        } else if ('putBack' in step) {
          const more = jobs(step.putBack)
          queue.putBack(more)
          model.unshift(...more)
        } else if ('drop' in step) {
          const count = Math.min(step.drop, model.length)
          queue.drop(count)
          model.splice(0, count)
        } else {
          queue.dropAborted()
          model = model.filter(job => !job.aborted)
        }
        expect(queue.length).toBe(model.length)
        expect([...queue]).toEqual(model)
        if (model.length > 0) expect(queue.at(model.length - 1)).toBe(model.at(-1))
      }
    }),
  )
})
