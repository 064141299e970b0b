import { agent, bytes, MillraceError, pipeline, storageAgent, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { wayOf } from '../../src/objectives/way.ts'
import type { Store } from '../../src/storage/storage.ts'

const demand = topic('demand', bytes())
const weather = topic('weather', bytes())
const prediction = topic('prediction', bytes())
const dispatch = topic('dispatch', bytes())
const store: Store = {
  kind: 'rolling',
  describe: 'nowhere',
  roll: { records: 1, bytes: 1, ageMs: 1 },
  open: () => Promise.reject(new Error('A graph is checked without opening a store.')),
}
const forecast = agent('forecast', { version: 1, from: demand, to: prediction }, () => undefined)
const plan = agent('plan', { version: 1, from: [prediction, weather], to: dispatch }, () => undefined)
const lake = storageAgent('lake', { version: 1, from: [demand, prediction], to: store })
const agents = [forecast, plan, lake]
const good = { from: demand, to: 'dispatch', within: '2s', share: 0.99 } as const

function refusal(slo: Parameters<typeof pipeline>[1]['slo']): string {
  try {
    pipeline('grid', { agents, slo: slo! })
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'GRAPH_INVALID' && error.fix !== undefined) return error.message
    throw error
  }
  throw new Error('The objective was accepted.')
}

describe('an objective', () => {
  it('is one or a list, ends at a topic or a storage agent, by name or itself', () => {
    expect(pipeline('grid', { agents, slo: good }).slos).toEqual([
      {
        id: 'demand → dispatch within 2s',
        name: 'demand → dispatch',
        from: 'demand',
        to: { kind: 'topic', name: 'dispatch' },
        within: '2s',
        withinMs: 2_000,
        share: 0.99,
      },
    ])
    const { slos } = pipeline('grid', {
      agents,
      slo: [
        { ...good, to: dispatch, within: 500 },
        { ...good, to: lake },
      ],
    })
    expect(slos.map(({ id, to }) => [id, to.kind])).toEqual([
      ['demand → dispatch within 500ms', 'topic'],
      ['demand → lake within 2s', 'storage-agent'],
    ])
    expect(pipeline('grid', { agents }).slos).toEqual([])
  })

  it('is refused where it could not be kept or measured, with what is wrong', () => {
    expect(refusal({ ...good, share: 1 })).toBe(
      'The slo demand → dispatch has a share of 1; it must be between 0 and 1. Write 0.99 where 99 of 100 are to be there in time.',
    )
    expect(refusal({ ...good, share: 99 })).toMatch(/has a share of 99/)
    expect(refusal({ ...good, to: 'weather' })).toMatch(/has no path: nothing that comes of 'demand' gets to topic 'weather'/)
    expect(refusal({ ...good, from: prediction })).toMatch(/begins at a topic that forecast@1 writes/)
    expect(refusal({ ...good, from: topic('other', bytes()) })).toMatch(/begins at a topic that is not in the pipeline/)
    expect(refusal({ ...good, to: 'dispatches' })).toBe(
      "The slo demand → dispatches ends at 'dispatches', which is neither a topic nor a storage agent of the pipeline. There are demand, prediction, weather, dispatch, lake.",
    )
    expect(refusal({ ...good, to: 'forecast' })).toMatch(/ends at an agent, which keeps nothing/)
    expect(refusal({ ...good, within: 0 })).toMatch(/leaves no time/)
    expect(refusal([good, { ...good, share: 0.9 }])).toMatch(/is there twice/)
    // @ts-expect-error: as JavaScript might
    expect(() => pipeline('grid', { agents, slo: { ...good, witin: '3s' } })).toThrow("did you mean 'within'")
  })

  it('asks which is meant where a topic and a storage agent have one name', () => {
    const twin = storageAgent('dispatch', { version: 1, from: demand, to: store })
    const declare = (to: 'dispatch' | typeof dispatch | typeof twin) =>
      pipeline('grid', { agents: [...agents, twin], slo: { ...good, to } })
    expect(() => declare('dispatch')).toThrow(/could mean the topic 'dispatch' or the storage agent/)
    expect(declare(dispatch).slos[0]?.to.kind).toBe('topic')
    expect(declare(twin).slos[0]?.to.kind).toBe('storage-agent')
  })
})

describe('the way to an objective’s end', () => {
  const shown = (slo: Parameters<typeof wayOf>[0], of = pipeline('grid', { agents }).agents.values()) => {
    const { through, last } = wayOf(slo, of)
    return { through: [...through].map(([id, topics]) => `${id} reads ${[...topics].join()}`), last: [...last] }
  }

  it('is through every agent that leads there, in the topics that come of its beginning', () => {
    expect(shown({ from: 'demand', to: { kind: 'topic', name: 'dispatch' } })).toEqual({
      through: ['forecast@1 reads demand', 'plan@1 reads prediction'],
      last: ['plan@1'],
    })
    expect(shown({ from: 'demand', to: { kind: 'storage-agent', name: 'lake' } })).toEqual({
      through: ['forecast@1 reads demand', 'lake@1 reads demand,prediction'],
      last: ['lake@1'],
    })
  })

  it('leaves shadows out, and takes versions that run side by side', () => {
    const second = agent('forecast', { version: 2, from: demand, to: prediction }, () => undefined)
    const shadow = agent('forecast', { version: 3, from: demand, to: prediction, shadow: true }, () => undefined)
    const { agents: running } = pipeline('grid', { agents: [...agents, second, shadow] })
    expect(shown({ from: 'demand', to: { kind: 'topic', name: 'prediction' } }, running.values()).last).toEqual([
      'forecast@1',
      'forecast@2',
    ])
  })

  it('ends in a circle, too', () => {
    const again = agent('again', { version: 1, from: dispatch, to: [prediction, topic('alert', bytes())] }, () => undefined)
    const { agents: running } = pipeline('grid', { agents: [...agents, again] })
    expect(shown({ from: 'demand', to: { kind: 'topic', name: 'dispatch' } }, running.values()).last).toEqual(['plan@1'])
  })
})
