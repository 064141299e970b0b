import { describe, expect, it } from 'vitest'
import type { AgentNode, Overview, Reading } from '../../../src/console/api/overview.ts'
import { graphOf, sameGraph } from '../../../src/console/web/pages/flow/graph.ts'
import { layoutOf, layoutsOf } from '../../../src/console/web/pages/flow/layout.ts'
import { neighbourOf } from '../../../src/console/web/pages/flow/neighbour.ts'
import { rateOf, sidesOf } from '../../../src/console/web/pages/flow/rate.ts'
import { selectionOf } from '../../../src/console/web/pages/flow/selection.ts'
import { lagText, readingText, readingTone, toneOf, wordsOf } from '../../../src/console/web/pages/flow/standing.ts'
import { fitted, showing, zoomedAt } from '../../../src/console/web/pages/flow/viewport.ts'

const reading: Reading = { lag: 0, lag_seconds: 0, per_second: 10, full: 0 }

function agent(name: string, rest: Partial<AgentNode> = {}): AgentNode {
  return {
    ...{ agent: name, version: 1, shadow: false, kind: 'agent', state: 'running', diagnosis: { state: 'healthy', words: 'healthy' } },
    ...{ from: {}, to: [], handled_per_second: 10, outputs_per_second: 7, dead_per_second: 0, busy: 0.1, handler_seconds: {} },
    ...{ in_flight: 0, in_flight_seconds: 0, done: 0, dead: 0 },
    ...rest,
  }
}

const topic = (entry: boolean, in_per_second = 5) => ({ partitions: 1, entry, in_per_second, retained: 0 })
const to = (name: string) => ({ kind: 'topic' as const, name })

const now: Pick<Overview, 'topics' | 'agents'> = {
  topics: { demand: topic(true), prediction: topic(false, 20) },
  agents: {
    'forecast@2': agent('forecast', { version: 2, from: { demand: reading }, to: [to('prediction')] }),
    'forecast@1': agent('forecast', { from: { demand: reading }, to: [to('prediction'), { kind: 'cache', name: 'latest' }] }),
    'lake@1': agent('lake', { kind: 'storage-agent', store: './lake', from: { demand: reading, prediction: reading } }),
    'old@1': agent('old', { state: 'removed', from: { demand: reading } }),
  },
}

describe('the graph of a pipeline', () => {
  it('is what is declared: producers and stores are its ends, versions of an agent one box, those that have ended left out', () => {
    const { boxes, edges } = graphOf(now)
    expect(boxes.map(box => box.id)).toEqual([
      'topic:demand',
      'producers',
      'topic:prediction',
      'agent:forecast',
      'agent:lake',
      'cache:latest',
      'store:./lake',
    ])
    expect(boxes.find(box => box.id === 'agent:forecast')?.groups).toEqual(['forecast@1', 'forecast@2'])
    expect(edges.map(edge => edge.id)).toContain('topic:demand/agent:forecast@2')
    expect(edges.filter(edge => edge.kind === 'stores').map(edge => edge.id)).toEqual(['agent:lake@1/store:./lake'])
    expect(graphOf(now, true).boxes.map(box => box.id)).toContain('agent:old')
  })

  it('is the same whatever flows in it, and another one with another version', () => {
    const busier = { ...now, topics: { ...now.topics, demand: topic(true, 999) } }
    expect(sameGraph(graphOf(now), graphOf(busier))).toBe(true)
    const { 'forecast@1': _, ...agents } = now.agents
    expect(sameGraph(graphOf(now), graphOf({ ...now, agents }))).toBe(false)
  })

  it('has a URL for each box, version and edge, also where a store has slashes in its name', () => {
    const graph = graphOf(now)
    expect(selectionOf(['topic:demand'], graph)).toMatchObject({ kind: 'box', box: { name: 'demand' } })
    expect(selectionOf(['agent:forecast@2'], graph)).toMatchObject({ kind: 'box', group: 'forecast@2' })
    expect(selectionOf(['topic:demand', 'agent:forecast@2'], graph)).toMatchObject({ kind: 'edge', edge: { topic: 'demand' } })
    expect(selectionOf(['agent:lake@1', 'store:./lake'], graph)).toMatchObject({ kind: 'edge', edge: { kind: 'stores' } })
    expect(selectionOf(['topic:demand', 'agent:nobody@1'], graph)).toBeUndefined()
  })

  it('says of an edge the rate that is known, and where agents write together that it is a part', () => {
    const rate = (id: string, of = now) => {
      const edge = graphOf(of).edges.find(edge => edge.id === id)!
      return rateOf(edge, sidesOf(edge, of))
    }
    expect(rate('topic:demand/agent:forecast@1')).toEqual({ perSecond: 10, exact: true })
    expect(rate('agent:forecast@2/topic:prediction')).toEqual({ perSecond: 7, exact: true })
    expect(rate('agent:forecast@1/topic:prediction')).toEqual({ perSecond: 7, exact: true })
    expect(rate('agent:forecast@1/cache:latest')).toBeUndefined()
    const both = { ...now.agents['forecast@1']!, to: [to('prediction'), to('alert')] }
    const topics = { ...now.topics, alert: topic(false, 3) }
    const more = { topics, agents: { ...now.agents, 'forecast@1': both } }
    expect(rate('agent:forecast@1/topic:prediction', more)).toEqual({ perSecond: 20, exact: false })
    expect(rate('agent:forecast@1/topic:alert', more)).toEqual({ perSecond: 3, exact: true })
  })
})

describe('the layout of the graph', () => {
  it('puts no box upon another, and reaches each version at its own place, in both directions', () => {
    const graph = graphOf(now)
    for (const { boxes, wires, width, height } of layoutsOf(graph)) {
      const placed = Object.values(boxes)
      for (const [i, a] of placed.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height).toBe(true)
        for (const b of placed.slice(i + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
          expect(apart).toBe(true)
        }
      }
      const ends = ['forecast@1', 'forecast@2'].map(group => wires[`topic:demand/agent:${group}`]!.path.split(' ').at(-1))
      expect(new Set(ends).size).toBe(2)
    }
  })

  it('draws a cycle, too', () => {
    const back = agent('feedback', { from: { prediction: reading }, to: [to('demand')] })
    const graph = graphOf({ ...now, agents: { ...now.agents, 'feedback@1': back } })
    expect(Object.keys(layoutOf(graph, 'right').wires)).toHaveLength(graph.edges.length)
  })
})

describe('how an agent stands', () => {
  it('is said in words, with a tone', () => {
    const at = (state: AgentNode['state'], diagnosis?: NonNullable<AgentNode['diagnosis']>) => ({ state, ...(diagnosis && { diagnosis }) })
    const slow = at('running', { state: 'slow', words: 'slow: 84 % busy' })
    expect([toneOf(slow), wordsOf(slow)]).toEqual(['warn', 'slow: 84 % busy'])
    expect(toneOf(at('running', { state: 'hung', words: '' }))).toBe('bad')
    expect([toneOf(at('down')), wordsOf(at('down'))]).toEqual(['bad', 'down'])
    expect(wordsOf(at('decommissioned', { state: 'behind', words: 'behind' }))).toBe('decommissioned')
    expect(toneOf(at('running', { state: 'healthy', words: '' }))).toBe('good')
  })

  it('of what waits: by how near it is to expire, in data and in seconds', () => {
    expect(readingTone({ ...reading, lag: 50_000 }, 'good')).toBe('idle')
    expect(readingTone({ ...reading, full: 0.4 }, 'good')).toBe('warn')
    expect(readingTone({ ...reading, full: 0.9 }, 'warn')).toBe('bad')
    expect(lagText({ ...reading, lag: 3_100, lag_seconds: 42 })).toBe('lag 3,100 · 42 s')
    expect(readingText({ ...reading, lag: 3_100, lag_seconds: 42, full: 0.25 })).toBe(
      '10/s, 3,100 data wait, the oldest for 42 s, 25 % full',
    )
  })
})

describe('the view of the graph', () => {
  it('zooms at a point, which stays where it is, within bounds', () => {
    const view = zoomedAt({ x: 10, y: 20, scale: 0.5 }, 2, { x: 100, y: 100 })
    expect((100 - view.x) / view.scale).toBeCloseTo((100 - 10) / 0.5)
    expect(zoomedAt(view, 1_000, { x: 0, y: 0 }).scale).toBe(2)
  })

  it('fits in the middle, and begins no smaller than can be read', () => {
    expect(fitted({ width: 400, height: 100 }, { width: 800, height: 600 })).toEqual({ x: 200, y: 250, scale: 1 })
    expect(fitted({ width: 8_000, height: 100 }, { width: 800, height: 600 }, 0.5)).toEqual({ x: 0, y: 275, scale: 0.5 })
  })

  it('moves to what has the focus, and no further', () => {
    const screen = { width: 800, height: 600 }
    const view = { x: 0, y: 0, scale: 1 }
    expect(showing(view, { x: 100, y: 100, width: 50, height: 50 }, screen, 0.5)).toEqual(view)
    const moved = showing(view, { x: 1_000, y: 100, width: 50, height: 50 }, screen, 0.5)
    expect(1_050 + moved.x).toBeLessThanOrEqual(800)
  })

  it('goes by the arrow keys to what lies in their direction', () => {
    const at = (left: number, top: number) => ({ left, top, width: 10, height: 10 })
    const rects = [at(0, 0), at(100, 5), at(60, 200), at(200, 0)]
    expect(neighbourOf('ArrowRight', rects, 0)).toBe(1)
    expect(neighbourOf('ArrowDown', rects, 0)).toBe(2)
    expect(neighbourOf('ArrowLeft', rects, 3)).toBe(1)
    expect(neighbourOf('ArrowUp', rects, 0)).toBeUndefined()
  })
})
