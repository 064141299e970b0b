import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { Life, Step } from '../../../src/console/api/data.ts'
import type { ShownDatum } from '../../../src/console/api/topics.ts'
import { askedIn, asksNothing, isDataId, searchPath } from '../../../src/console/web/pages/data/asked.ts'
import { type Copyable, curlText, fixtureText, sendText } from '../../../src/console/web/pages/data/copies.ts'
import { differencesOf } from '../../../src/console/web/pages/data/diff.ts'
import { lineageOf } from '../../../src/console/web/pages/data/lineage.ts'
import { waterfallOf } from '../../../src/console/web/pages/data/waterfall.ts'

const T0 = Date.parse('2026-01-31T08:00:00.000Z')
const at = (ms: number) => new Date(T0 + ms).toISOString()

function datum(id: string, topic: string, parents: string[] = [], json: unknown = { v: 1 }): ShownDatum {
  return {
    ...{ topic, partition: 0, offset: 0, appended: at(0), data_id: id, source: "plant's", created: at(0), key: null },
    ...{ content_type: 'application/json', parents, json },
  } as ShownDatum
}

function step(agent: string, of: string, rest: Partial<Step> = {}): Step {
  return {
    ...{ agent, data_id: of, topic: 'demand', partition: 0, offset: 0, state: 'done', appended: at(0), claimed: at(10), finished: at(30) },
    ...{ waited_ms: 10, took_ms: 20, attempts: 1, reason: null, letter: null, outputs: [], stored: null },
    ...rest,
  }
}

describe('how two data differ', () => {
  it('is said place by place, named as conditions name them', () => {
    const before = { station: 'a', reading: { unit: 'MW', value: 1 }, parts: [{ id: 1 }, { id: 2 }], gone: null }
    const after = { station: 'a', reading: { unit: 'kW', value: 1 }, parts: [{ id: 1 }], constructor: 1 }
    expect(differencesOf(before, after)).toEqual({
      differing: [
        { path: 'reading.unit', before: 'MW', after: 'kW' },
        { path: 'parts[1]', before: { id: 2 } },
        { path: 'gone', before: null },
        { path: 'constructor', after: 1 },
      ],
      same: 3,
      isCut: false,
    })
    expect(differencesOf(5, [5]).differing).toEqual([{ path: '', before: 5, after: [5] }])
  })

  it('has an end', () => {
    const many = (of: number) => Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, of]))
    const { differing, isCut } = differencesOf(many(1), many(2))
    expect([differing.length, isCut]).toEqual([200, true])
  })
})

describe('the waterfall of a datum', () => {
  it('has what it waited and what it took on one scale', () => {
    const { rows, lengthMs, isOpen } = waterfallOf(
      { accepted: at(0), steps: [step('a@1', 'x'), step('b@1', 'x', { finished: at(100) })] },
      T0,
    )
    expect([lengthMs, isOpen]).toEqual([100, false])
    expect(rows[0]!.bars).toEqual([
      { kind: 'wait', from: 0, to: 0.1, open: false },
      { kind: 'work', from: 0.1, to: 0.3, open: false },
    ])
  })

  it('leaves room for what was, however long something stands still; what is not known has no bar', () => {
    const steps = [
      step('a@1', 'x', { finished: at(100) }),
      step('b@1', 'x', { state: 'waiting', claimed: null, finished: null }),
      step('c@1', 'x', { appended: null, claimed: null, finished: null }),
    ]
    const { rows, lengthMs, tookMs } = waterfallOf({ accepted: at(0), steps }, T0 + 3_600_000)
    expect([lengthMs, tookMs]).toEqual([200, 3_600_000])
    expect(rows[1]!.bars).toEqual([{ kind: 'wait', from: 0, to: 1, open: true }])
    expect(rows[2]!.bars).toEqual([])
  })
})

describe('the lineage of a datum', () => {
  const life: Pick<Life, 'data_id' | 'data' | 'links' | 'steps'> = {
    data_id: 'b',
    data: [datum('b', 'prediction', ['a']), datum('a', 'demand'), datum('c', 'dispatch', ['b']), datum('s', 'alert', ['a'])],
    links: [
      { from: 'w', to: 'b', by: null },
      { from: 'a', to: 'b', by: 'forecast@1' },
      { from: 'b', to: 'c', by: null },
      { from: 'a', to: 's', by: null },
    ],
    steps: [
      step('forecast@1', 'a', { outputs: [{ data_id: 'b', topic: 'prediction' }] }),
      step('lake@1', 'b', { stored: { where: 'lake/part.parquet', row: 7 } }),
    ],
  }

  it('goes both ways, generation by generation, down to the file and row, without one upon another', () => {
    const { members, links } = lineageOf(life)
    expect(Object.fromEntries(members.map(({ id, generation }) => [id, generation]))).toEqual({ a: -1, b: 0, s: 0, c: 1, 'b lake@1': 1 })
    expect(links.map(({ from, to }) => [from.id, to.id])).toEqual([
      ['a', 'b'],
      ['b', 'c'],
      ['a', 's'],
      ['b', 'b lake@1'],
    ])
    expect(members.map(({ id, by }) => [id, by])).toEqual(
      expect.arrayContaining([
        ['a', undefined],
        ['b', 'forecast@1'],
        ['b lake@1', 'lake@1'],
      ]),
    )
    expect(new Set(members.map(({ x, y }) => `${x},${y}`)).size).toBe(members.length)
    expect(members.find(({ id }) => id === 'b lake@1')?.stored?.row).toBe(7)
  })

  it('draws a link alone between those that are there', () => {
    expect(lineageOf({ ...life, links: [...life.links, { from: 'forgotten', to: 'a', by: null }] }).links).toHaveLength(4)
  })
})

describe('a datum to be copied', () => {
  const odd = datum('x', 'demand', [], { name: 'it\'s $HOME `now` "so"\\', n: -1 })
  const textOf = (what: Copyable) => ('text' in what ? what.text : undefined)

  /** What a shell makes of the words of a command. @param words in place of the command's first. */
  function words(command: string, env: Record<string, string> = {}): string[] {
    const script = command.replace(/^(curl|millrace)/, "node -e 'console.log(JSON.stringify(process.argv.slice(1)))' --")
    const { stdout, stderr } = spawnSync('sh', ['-c', script], { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' })
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }

  it('as curl is what a shell takes for the same datum, with the key and the address of the environment', () => {
    const command = textOf(curlText(odd))!
    expect(words(command)).toEqual([
      ...['-X', 'POST', 'http://127.0.0.1:7070/v1/topics/demand', '-H', 'content-type: application/json'],
      ...['--data-raw', JSON.stringify(odd.json)],
    ])
    const with_key = words(command, { MILLRACE_KEY: 'id.secret', MILLRACE_URL: 'https://in.example' })
    expect(with_key.slice(2, 5)).toEqual(['https://in.example/v1/topics/demand', '-H', 'authorization: Bearer id.secret'])
  })

  it('as millrace send is so, too', () => {
    expect(words(textOf(sendText(odd))!)).toEqual(['send', '--topic', 'demand', JSON.stringify(odd.json)])
    expect(words(textOf(sendText({ ...odd, json: -5 }))!)).toEqual(['send', '--topic', 'demand', '--', '-5'])
  })

  it('as a fixture is code that sends it in a test', () => {
    expect(textOf(fixtureText(datum('x', 'demand-prediction', [], { v: 1 })))).toBe(
      `// x of demand-prediction\nawait run.send(demandPrediction, {\n  "v": 1\n}, { source: 'plant\\'s', createdMs: Date.parse('${at(0)}') })\n`,
    )
  })

  it('goes as bytes where it is no JSON, and not at all where only its beginning is there', () => {
    const { json: _, ...bytes } = { ...odd, content_type: 'image/png', data: 'iVBORw0=' }
    expect(textOf(curlText(bytes))).toMatch(/^printf %s iVBORw0= \| base64 -d \| curl .*'content-type: image\/png' --data-binary @-$/)
    expect(sendText(bytes)).toHaveProperty('why')
    expect(textOf(fixtureText(bytes))).toContain("Buffer.from('iVBORw0=', 'base64')")
    for (const copy of [curlText, sendText, fixtureText]) expect(copy({ ...bytes, cut: 1_000_000 })).toHaveProperty('why')
  })
})

describe('a search', () => {
  it('stands in the URL with all of its conditions, and as the API takes it', () => {
    const asked = askedIn(new URLSearchParams('topic=demand&where=v>1&where=w~x&from=10m'))
    expect(searchPath(asked, 50, 'next')).toBe('/v1/data?topic=demand&from=10m&where=v%3E1&where=w%7Ex&limit=50&before=next')
    expect(asksNothing(asked)).toBe(false)
    expect(asksNothing(askedIn(new URLSearchParams('topic= ')))).toBe(true)
  })

  it('knows a data_id from an id of a producer’s own', () => {
    expect(isDataId('01a20588-b45b-788d-b33f-3bf9cc626abd')).toBe(true)
    expect(isDataId('reading-7')).toBe(false)
  })
})
