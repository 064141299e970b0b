import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Names } from '../../../src/stream/adapters/kafka/names.ts'
import { settingsOf } from '../../../src/stream/adapters/kafka/options.ts'

const names = new Names('team.', 'grid')

describe('names in a cluster', () => {
  it('are a topic’s own behind the prefix, and carry the pipeline where they are Millrace’s', () => {
    expect(names.topic('demand')).toBe('team.demand')
    expect(names.topic('_control')).toBe('team.millrace.grid.control')
    expect(names.topic('_replay.mood@2')).toBe('team.millrace.grid.replay.mood.2')
    expect(names.group('forecast@2')).toBe('team.millrace.grid.forecast@2')
    expect(names.groupOf('team.millrace.grid.forecast@2')).toBe('forecast@2')
    expect(names.groupOf('team.millrace.grid2.forecast@2')).toBeUndefined()
  })

  it('never meet: neither two topics of a pipeline, nor those of two pipelines', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/)
    const topic = fc.oneof(
      word.filter(name => !name.startsWith('millrace.')),
      fc.constant('_control'),
      fc.tuple(fc.constantFrom('_replay', '_dead'), word, fc.nat(20)).map(([kind, agent, version]) => `${kind}.${agent}@${version}`),
    )
    const pipeline = fc.stringMatching(/^[a-z][a-z0-9-]{0,4}$/)
    fc.assert(
      fc.property(topic, topic, pipeline, pipeline, (one, other, grid, market) => {
        const internal = one.startsWith('_') || other.startsWith('_')
        fc.pre(one !== other || (grid !== market && internal))
        expect(new Names('', grid).topic(one)).not.toBe(new Names('', market).topic(other))
      }),
    )
  })

  it('are refused where Kafka could not hold them', () => {
    expect(() => names.topic('x'.repeat(245))).toThrow(/249 characters/)
    expect(() => names.topic('millrace.grid.control')).toThrow(/kept for what Millrace itself writes/)
    expect(() => names.topic('de mand')).toThrow(/letters, digits/)
  })

  it('refuse a pipeline whose name would let two share a topic', () => {
    expect(() => settingsOf({ brokers: ['h'], pipeline: 'grid.north' })).toThrow(/grid\.north.*a dot/)
  })
})
