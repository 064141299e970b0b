import { describe, expect, it } from 'vitest'
import { applied, UNDECIDED } from '../../src/versions/fold.ts'
import { gatherersOf, readersOf, withGatherers } from '../../src/versions/gatherers.ts'

const at = (group: string, topic: string, replacedBy?: string) => ({ group, topic, ...(replacedBy === undefined ? {} : { replacedBy }) })
const windows = [at('hourly.windows@1', 'demand'), at('hourly@1', '_windows.hourly@1'), at('hourly@1', '_replay.hourly@1')]
const join = [at('met.sides@2', 'left'), at('met.sides@2', 'right'), at('met.pairs@2', '_sides.met@2'), at('met@5', '_pairs.met@2')]
const ended = (...groups: readonly string[]) =>
  groups.reduce((versions, group, i) => applied(versions, { kind: 'decommission', group, by: 'ann', atMs: 1 }, i), UNDECIDED).ended
const over = (standings: Parameters<typeof withGatherers>[1], ...groups: readonly string[]) => [
  ...withGatherers(ended(...groups), standings).keys(),
]

describe('those that gather', () => {
  it('are known by the places of those that they gather for', () => {
    expect(gatherersOf('hourly@1', windows)).toEqual(['hourly.windows@1'])
    expect(gatherersOf('met@5', join)).toEqual(['met.sides@2', 'met.pairs@2'])
    expect(gatherersOf('forecast@1', [at('forecast@1', 'demand')])).toEqual([])
    expect(readersOf('met.sides@2', join)).toEqual(['met.pairs@2'])
    expect(readersOf('hourly@1', windows)).toEqual([])
  })

  it('end with the last of their readers, and go on with the first', () => {
    expect(over(windows, 'hourly@1')).toEqual(['hourly@1', 'hourly.windows@1'])
    expect(over(join, 'met@5')).toEqual(['met@5', 'met.sides@2', 'met.pairs@2'])
    const shared = [...windows, at('hourly@2', '_windows.hourly@1')]
    expect(over(shared, 'hourly@1')).toEqual(['hourly@1'])
    expect(over(shared, 'hourly@1', 'hourly@2')).toContain('hourly.windows@1')
    const replaced = [...shared.slice(0, 1), at('hourly@1', '_windows.hourly@1', 'hourly@2'), ...shared.slice(3)]
    expect(over(replaced)).toEqual([])
    expect(over(replaced, 'hourly@2')).toContain('hourly.windows@1')
  })
})
