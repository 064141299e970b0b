import { describe, expect, test } from 'vitest'
import type { EngineView } from '../../src/engine/engine.ts'
import { mint } from '../../src/envelope/data-id.ts'
import { drawLineage } from '../../src/trace/draw.ts'
import { lineageToJson } from '../../src/trace/json.ts'
import { type Lineage, type LineageOptions, lineage } from '../../src/trace/lineage.ts'
import { type Made, Scene, type Seen } from './scene.ts'

const forecast = { name: 'forecast', version: 1 }
const dispatch = { name: 'dispatch', version: 1 }

async function trace(scene: Scene, id: string, options?: LineageOptions): Promise<Lineage> {
  const found = await lineage(scene.engine, id, options)
  if (found === undefined) throw new Error(`${id} is not known`)
  return found
}

/** An agent with a window of `size` data for each key. */
function windowed(size: number, to: string, windows = new Map<string, string[]>()): (datum: Seen) => Made[] {
  return datum => {
    const held = [datum.dataId, ...(windows.get(datum.key) ?? [])].slice(0, size)
    windows.set(datum.key, held)
    return [{ topic: to, data: datum.data, parents: held }]
  }
}

const children = (found: Lineage) => found.links.filter(link => link.parent === found.dataId)
const parents = (found: Lineage) => found.links.filter(link => link.child === found.dataId)

describe('lineage', () => {
  test('knows nothing of a datum that was never accepted', async () => {
    await using scene = await Scene.open('demand')
    expect(await lineage(scene.engine, mint(0))).toBeUndefined()
  })

  test('goes down through every agent to the last output, and up again to where it came from', async () => {
    await using scene = await Scene.open('demand', 'prediction', 'message')
    const [a] = await scene.send('demand', 'k', '1', '2')
    await scene.work(forecast, ['demand'], datum => [{ topic: 'prediction', data: datum.data }])
    await scene.work(dispatch, ['prediction'], datum => ['x', 'y'].map(data => ({ topic: 'message', data: data + datum.data })))
    const down = await trace(scene, a!)
    expect(down.data.map(datum => [datum.topic, datum.source])).toEqual([
      ['demand', 'meter-7'],
      ['prediction', 'forecast@1'],
      ['message', 'dispatch@1'],
      ['message', 'dispatch@1'],
    ])
    expect(down.truncated).toBe(false)
    const up = await trace(scene, down.data[3]!.dataId)
    expect(up.data.map(datum => datum.topic)).toEqual(['message', 'prediction', 'demand'])
    expect(up.links).toEqual([
      { parent: down.data[1]!.dataId, child: down.data[3]!.dataId, handled: true },
      { parent: a, child: down.data[1]!.dataId, handled: true },
    ])
  })

  test.each([
    ['told how large the window is', new Map([['forecast@1', 3]])],
    ['not told', undefined],
  ])('finds what later data of the key made while their window held the datum, %s', async (_, windows) => {
    await using scene = await Scene.open('demand', 'prediction')
    const handle = windowed(3, 'prediction')
    const ids: string[] = []
    // Several units of work, and another key between: children lie in other ranges than the datum's own outputs.
    for (let i = 0; i < 6; i++) {
      ids.push(...(await scene.send('demand', 'a', `a${i}`)))
      await scene.send('demand', 'b', `b${i}`)
      if (i % 2 === 1) await scene.work(forecast, ['demand'], handle)
    }
    const found = await trace(scene, ids[1]!, windows === undefined ? {} : { windows })
    expect(children(found).map(link => link.handled)).toEqual([true, false, false])
    const causes = await Promise.all(children(found).map(async link => (await scene.engine.find(link.child))?.parents[0]))
    expect(causes).toEqual([ids[1], ids[2], ids[3]])
    expect(found.truncated).toBe(false)
  })

  test('lists a window’s data as parents, the one handled first', async () => {
    await using scene = await Scene.open('demand', 'prediction')
    const ids = await scene.send('demand', 'a', '0', '1', '2')
    await scene.work(forecast, ['demand'], windowed(3, 'prediction'))
    const last = children(await trace(scene, ids[2]!))[0]!.child
    expect(parents(await trace(scene, last))).toEqual([
      { parent: ids[2], child: last, handled: true },
      { parent: ids[1], child: last, handled: false },
      { parent: ids[0], child: last, handled: false },
    ])
  })

  test('searches by id for the datum asked for alone: everything else is found from where that is', async () => {
    await using scene = await Scene.open('demand', 'prediction', 'message')
    const ids: string[] = []
    const handle = windowed(20, 'prediction')
    for (let i = 0; i < 60; i++) {
      for (const key of ['a', 'b', 'c']) ids.push(...(await scene.send('demand', key, `${i}`)))
      await scene.work(forecast, ['demand'], handle)
    }
    await scene.work(dispatch, ['prediction'], datum => [{ topic: 'message', data: datum.data }])
    const searched: string[] = []
    const view: Pick<EngineView, 'find' | 'read' | 'bounds'> = {
      bounds: topic => scene.engine.bounds(topic),
      read: (...place) => scene.engine.read(...place),
      find(dataId, at) {
        if (at === undefined) searched.push(dataId)
        return scene.engine.find(dataId, at)
      },
    }
    const down = await lineage(view, ids[60]!)
    expect([down?.data.length, down?.truncated]).toEqual([41, false])
    expect(searched.splice(0)).toEqual([ids[60]])
    const message = down!.data.at(-1)!.dataId
    const up = await lineage(view, message)
    expect(up?.data).toHaveLength(22)
    // The message, its prediction, and the datum handled; its window is found by looking back from there.
    expect(searched).toHaveLength(3)
  })

  test('does not look far for an agent that stores and makes nothing', async () => {
    await using scene = await Scene.open('demand')
    const [id] = await scene.send('demand', 'a', ...Array.from({ length: 500 }, (_, i) => String(i)))
    await scene.work({ name: 'lake', version: 1 }, ['demand'], () => [])
    let lookups = 0
    const counted: Pick<EngineView, 'find' | 'read' | 'bounds'> = {
      bounds: topic => scene.engine.bounds(topic),
      read: (...place) => scene.engine.read(...place),
      find(dataId) {
        lookups++
        return scene.engine.find(dataId)
      },
    }
    expect((await lineage(counted, id!, { windows: new Map([['lake@1', 1]]) }))?.truncated).toBe(false)
    expect(lookups).toBe(1)
    expect((await lineage(counted, id!))?.truncated).toBe(false)
    expect(lookups).toBeLessThan(100)
  })

  test('goes no deeper than asked and lists no more than asked, and says so', async () => {
    await using scene = await Scene.open('demand', 'prediction', 'message')
    const [a] = await scene.send('demand', 'k', '1')
    await scene.work(forecast, ['demand'], datum => Array.from({ length: 20 }, () => ({ topic: 'prediction', data: datum.data })))
    await scene.work(dispatch, ['prediction'], datum => [{ topic: 'message', data: datum.data }])
    const shallow = await trace(scene, a!, { depth: 1 })
    expect(shallow).toMatchObject({ truncated: true })
    expect(new Set(shallow.data.map(datum => datum.topic))).toEqual(new Set(['demand', 'prediction']))
    const short = await trace(scene, a!, { limit: 5 })
    expect(short).toMatchObject({ truncated: true })
    expect(short.data).toHaveLength(5)
    expect((await trace(scene, a!, { depth: 2 })).truncated).toBe(false)
    const last = (await trace(scene, a!)).data.at(-1)!.dataId
    expect(await trace(scene, last, { depth: 1 })).toMatchObject({ truncated: true, links: [{ child: last }] })
  })

  test('names parents that are not known any more instead of leaving them out', async () => {
    await using scene = await Scene.open('demand', 'prediction')
    const gone = mint(scene.clock.now() - 86_400_000)
    const [id] = await scene.send('demand', 'a', '0')
    await scene.work(forecast, ['demand'], datum => [{ topic: 'prediction', data: '1', parents: [datum.dataId, gone] }])
    const child = children(await trace(scene, id!))[0]!.child
    const found = await trace(scene, child)
    expect(found.forgotten).toEqual([gone])
    expect(parents(found).map(link => link.parent)).toEqual([id, gone])
  })

  test('names a datum that is reached by two ways once, and each link once', async () => {
    await using scene = await Scene.open('demand', 'prediction', 'message', 'end')
    const [id] = await scene.send('demand', 'k', '1')
    await scene.work(forecast, ['demand'], () => ['x', 'y'].map(data => ({ topic: 'prediction', data })))
    await scene.work(dispatch, ['prediction'], windowed(2, 'message'))
    await scene.work({ name: 'close', version: 1 }, ['message'], datum => [{ topic: 'end', data: datum.data }])
    const found = await trace(scene, id!)
    expect(found.data.map(datum => datum.topic)).toEqual(['demand', 'prediction', 'prediction', 'message', 'message', 'end', 'end'])
    expect(new Set(found.links.map(link => `${link.parent} ${link.child}`)).size).toBe(found.links.length)
  })

  test('ends when agents feed each other', async () => {
    await using scene = await Scene.open('a', 'b')
    const [id] = await scene.send('a', 'k', '3')
    const bounce = (to: string) => (datum: Seen) => (Number(datum.data) === 0 ? [] : [{ topic: to, data: String(Number(datum.data) - 1) }])
    for (let i = 0; i < 2; i++) {
      await scene.work({ name: 'ping', version: 1 }, ['a'], bounce('b'))
      await scene.work({ name: 'pong', version: 1 }, ['b'], bounce('a'))
    }
    const found = await trace(scene, id!)
    expect(found.data.map(datum => datum.topic)).toEqual(['a', 'b', 'a', 'b'])
    expect(found.truncated).toBe(false)
  })

  test('is drawn as a tree, and given as JSON', async () => {
    await using scene = await Scene.open('demand', 'prediction')
    const ids = await scene.send('demand', 'a', '0', '1')
    await scene.work(forecast, ['demand'], windowed(2, 'prediction'))
    const found = await trace(scene, ids[0]!)
    const [own, later] = children(found).map(link => link.child)
    expect(drawLineage(found).split('\n')).toEqual([
      `${ids[0]}  demand by meter-7`,
      'derived from nothing: it came from outside',
      'used for',
      `  ├─ ${own}  prediction by forecast@1`,
      `  └─ ${later}  prediction by forecast@1`,
    ])
    expect(lineageToJson(found)).toMatchObject({
      data_id: ids[0],
      data: [{ data_id: ids[0], topic: 'demand', appended: '2026-01-01T00:00:00.000Z' }, { data_id: own }, { data_id: later }],
      links: [
        { parent: ids[0], child: own, handled: true },
        { parent: ids[0], child: later, handled: false },
      ],
      forgotten: [],
      truncated: false,
    })
  })
})
