import { expect, it } from 'vitest'
import type { Standing } from '../../src/engine/engine.ts'
import { begun } from '../../src/stream/checkpoint.ts'
import { Draining } from '../../src/versions/draining.ts'

const at = (group: string, topic: string, offset: number, next: number): Standing => ({
  ...{ group, topic, partition: 0, checkpoint: begun(offset, 1), first: 0, next },
})

it('an agent that has windows drains after those that gather them, and has what they put out until then', () => {
  const draining = new Draining()
  const until = { demand: [5], '_windows.hourly@1': [2] }
  const look = (gathered: number, offset: number, next: number) =>
    draining.look('hourly@1', 7, until, [at('hourly.windows@1', 'demand', gathered, 9), at('hourly@1', '_windows.hourly@1', offset, next)])
  // It stands at the end of its own topic all the time.
  expect(look(4, 2, 2)).toBe(false)
  expect(look(5, 3, 3)).toBe(false)
  // What they put out until then ends at 4, and what comes later is not waited for.
  expect(look(6, 3, 4)).toBe(false)
  expect(look(9, 3, 6)).toBe(false)
  expect(look(9, 4, 8)).toBe(true)
})

it('an agent that nobody gathers for drains where it stands at the offsets that were decided', () => {
  const draining = new Draining()
  const look = (offset: number) => draining.look('forecast@1', 0, { demand: [5] }, [at('forecast@1', 'demand', offset, 9)])
  expect([look(4), look(5)]).toEqual([false, true])
})

it('an agent does not wait for canaries, which nobody reads where the pipeline sends none any more', () => {
  const standings = [at('forecast@1', 'demand', 5, 5), at('forecast@1', '_canary', 3, 4)]
  expect(new Draining().look('forecast@1', 0, { demand: [5], _canary: [4] }, standings)).toBe(true)
})
