import { describe, expect, test } from 'vitest'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { mint } from '../../src/envelope/data-id.ts'
import { drawStory } from '../../src/trace/draw.ts'
import { type DatumStory, whereIs } from '../../src/trace/explain.ts'
import { storyToJson } from '../../src/trace/json.ts'
import { Scene } from './scene.ts'

const average = { name: 'average', version: 1 }
const forecast = { name: 'forecast', version: 2 }

async function tell(scene: Scene, id: string): Promise<DatumStory> {
  const story = await whereIs(scene.engine, id, scene.clock.now())
  if (story === undefined) throw new Error(`${id} is not known`)
  return story
}

describe('where is my datum', () => {
  test('knows nothing of a datum that was never accepted', async () => {
    await using scene = await Scene.open('demand')
    expect(await whereIs(scene.engine, mint(scene.clock.now()), scene.clock.now())).toBeUndefined()
  })

  test('says when it was accepted, from whom and where, before any agent reads it', async () => {
    await using scene = await Scene.open('demand')
    const acceptedMs = scene.clock.now()
    const [, second] = await scene.send('demand', 'k', '1', '2')
    expect(await tell(scene, second!)).toEqual({
      dataId: second,
      source: 'meter-7',
      createdMs: acceptedMs,
      acceptedMs,
      positions: [{ topic: 'demand', partition: 0, offset: 1, appendedMs: acceptedMs }],
      parents: [],
      agents: [],
      truncated: false,
    })
  })

  test('says of a finished one how long it waited, how long it took and what came out, its own outputs alone', async () => {
    await using scene = await Scene.open('demand', 'prediction')
    const [first, second] = await scene.send('demand', 'k', '1', '2')
    await scene.clock.advance(40)
    const claimedMs = scene.clock.now()
    // The second one's outputs have the first among their parents, as part of a window.
    await scene.work(forecast, ['demand'], datum => {
      const parents = datum.dataId === second ? [second!, first!] : [first!]
      return [1, 2].map(() => ({ topic: 'prediction', data: datum.data, parents }))
    })
    const { agents } = await tell(scene, first!)
    expect(agents).toMatchObject([
      { name: 'forecast', version: 2, replay: false, fate: { state: 'done', claimedMs, waitedMs: 40, tookMs: 5, attempts: 1 } },
    ])
    const { fate } = agents[0]!
    const outputs = fate.state === 'done' ? fate.outputs : []
    expect(outputs).toHaveLength(2)
    for (const output of outputs) expect((await tell(scene, output.dataId)).parents).toEqual([first])
  })

  test('says of one that waits how many data are ahead of it and behind', async () => {
    await using scene = await Scene.open('demand')
    const ids = await scene.send('demand', 'k', '0', '1', '2', '3', '4')
    await scene.work(average, ['demand'], () => [], { most: 1 })
    await scene.clock.advance(2_000)
    const { agents, acceptedMs } = await tell(scene, ids[3]!)
    expect(agents[0]?.fate).toEqual({ state: 'waiting', sinceMs: acceptedMs, ahead: 2, behind: 1 })
  })

  test('says of one that is claimed since when it is in hand, also when the claimer died', async () => {
    await using scene = await Scene.open('demand')
    const [id] = await scene.send('demand', 'k', '0')
    await scene.clock.advance(10)
    const sinceMs = scene.clock.now()
    await scene.claimAndDie(average, ['demand'])
    await scene.clock.advance(10_000)
    expect((await tell(scene, id!)).agents[0]?.fate).toMatchObject({ state: 'in hand', sinceMs, waitedMs: 10 })
  })

  test('says of a dead one why, and which dead letter holds it', async () => {
    await using scene = await Scene.open('demand')
    const [id, other] = await scene.send('demand', 'k', 'bad', 'good')
    await scene.work(average, ['demand'], datum => (datum.data === 'bad' ? new TypeError('megawatts is missing') : []))
    expect((await tell(scene, id!)).agents[0]?.fate).toMatchObject({
      state: 'dead',
      reason: 'TypeError: megawatts is missing',
      attempts: 5,
      letter: { letter: 1, state: 'dead' },
    })
    expect((await tell(scene, other!)).agents[0]?.fate.state).toBe('done')
  })

  test('follows a dead one through its replay to the end', async () => {
    const replays = replayTopic(average)
    await using scene = await Scene.open('demand', replays)
    const [id] = await scene.send('demand', 'k', 'bad')
    const topics = ['demand', replays]
    await scene.work(average, topics, () => new TypeError('no'))
    await scene.engine.letters.replay([1], 'tester')
    expect((await tell(scene, id!)).agents).toMatchObject([{ replay: true, topic: replays, fate: { state: 'waiting', ahead: 0 } }])
    await scene.work(average, topics, () => new TypeError('no again'))
    expect((await tell(scene, id!)).agents).toMatchObject([{ replay: true, fate: { state: 'dead', reason: 'TypeError: no again' } }])
    await scene.engine.letters.replay([1], 'tester')
    await scene.work(average, topics, () => [])
    const story = await tell(scene, id!)
    expect(story.positions).toHaveLength(3)
    expect(story.agents).toMatchObject([{ replay: true, fate: { state: 'done' } }])
  })

  test('says that a version was replaced before it reached the datum, and who has it now', async () => {
    await using scene = await Scene.open('demand')
    const [first] = await scene.send('demand', 'k', '0')
    await scene.work(average, ['demand'], () => [])
    const [second] = await scene.send('demand', 'k', '1')
    await scene.work({ name: 'average', version: 2 }, ['demand'], () => [], { replaces: 'average@1' })
    const states = async (id: string) => (await tell(scene, id)).agents.map(agent => [agent.version, agent.fate.state, agent.replacedBy])
    expect(await states(second!)).toEqual([
      [1, 'replaced', 'average@2'],
      [2, 'done', undefined],
    ])
    expect((await states(first!))[0]).toEqual([1, 'done', 'average@2'])
  })

  test.each([
    ['the agent began behind it', { first: 8, offset: 9 }, 0, 'before start'],
    ['the agent is past it and the trace has forgotten', { first: 0, offset: 8 }, 0, 'passed'],
    ['the agent began with it and has done nothing', { first: 7, offset: 7 }, 0, 'waiting'],
    ['retention has deleted it before the agent reached it', { first: 0, offset: 3 }, 8, 'expired'],
  ])('says of one without a mark what its position tells: %s', async (_, place, retainedFrom, state) => {
    // Moments that pass too quickly to be met on a real engine.
    const position = { topic: 'demand', partition: 0, offset: 7, appendedMs: 1 }
    const dataId = mint(1)
    const checkpoint = { ...place, done: place.offset - place.first, dead: 0, duplicate: 0, lost: 0, edition: 1 }
    const view: Parameters<typeof whereIs>[0] = {
      find: async () => ({ dataId, positions: [position], source: 's', createdMs: 1, parents: [], marks: [] }),
      standings: async () => [{ group: 'average@1', topic: 'demand', partition: 0, first: retainedFrom, next: 10, checkpoint }],
      read: () => Promise.reject(new Error('nothing to read')),
      letters: { list: async () => [], counts: async () => [], frame: async () => undefined, original: async () => undefined },
    }
    expect((await whereIs(view, dataId, 5))?.agents).toMatchObject([{ name: 'average', version: 1, fate: { state } }])
  })

  test('tells the same as JSON in snake_case and as a drawing', async () => {
    await using scene = await Scene.open('demand', 'prediction')
    const ids = await scene.send('demand', 'k', 'good', 'bad', 'late')
    await scene.clock.advance(20)
    await scene.work(forecast, ['demand'], datum => (datum.data === 'bad' ? new Error('no') : [{ topic: 'prediction', data: '1' }]), {
      most: 2,
    })
    await scene.claimAndDie(average, ['demand'])
    const [good, bad, late] = await Promise.all(ids.map(id => tell(scene, id)))
    expect(storyToJson(good!)).toMatchObject({
      data_id: ids[0],
      accepted: '2026-01-01T00:00:00.000Z',
      positions: [{ topic: 'demand', partition: 0, offset: 0, appended: '2026-01-01T00:00:00.000Z' }],
      agents: [
        { agent: 'average', version: 1, state: 'in_hand', since: '2026-01-01T00:00:00.025Z' },
        { agent: 'forecast', version: 2, state: 'done', waited_ms: 20, took_ms: 5, attempts: 1, outputs: [{ topic: 'prediction' }] },
      ],
    })
    expect(storyToJson(bad!)).toMatchObject({ agents: [{}, { state: 'dead', reason: 'Error: no', letter: 1, letter_state: 'dead' }] })
    expect(storyToJson(late!)).toMatchObject({ agents: [{}, { state: 'waiting', ahead: 0, behind: 0 }] })
    const nowMs = scene.clock.now() + 3_000
    expect(drawStory(good!, nowMs).split('\n')).toEqual([
      ids[0],
      '  from meter-7, created 2026-01-01T00:00:00.000Z',
      '  accepted 2026-01-01T00:00:00.000Z into demand, partition 0, offset 0',
      '',
      `  average@1   in hand  ${' '.repeat(28)}  for 3.0 s, waited 25 ms`,
      `  forecast@2  done     ${'·'.repeat(22)}${'█'.repeat(6)}  waited 20 ms, took 5 ms`,
      expect.stringMatching(/^ {14}→ prediction [0-9a-f-]{36}$/),
    ])
    expect(drawStory(bad!, nowMs)).toContain('Error: no, 5 attempts (dead letter 1)')
    expect(drawStory(late!, nowMs)).toContain('for 3.0 s: 0 ahead of it, 0 behind')
  })
})
