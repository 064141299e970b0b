import { agent, cache, pipeline, topic } from 'millrace'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { listen } from './ops.ts'

const average = { name: 'average', version: 1 }
const demand = topic('demand', z.object({ station: z.string() }))
const averages = cache('averages', z.object({ station: z.string() }), { key: value => value.station })
const grid = pipeline('grid', { agents: [agent('average', { version: 1, from: demand, to: averages }, datum => datum)] })

describe('the cache', () => {
  test('gives every key’s latest value, exactly as the agent wrote it', async () => {
    await using ops = await listen(['demand'])
    await ops.scene.send('demand', 'k', '1')
    const value = '{"mean":1.50,"big":9007199254740993,"n":null}'
    const entries = [
      { cache: 'averages', key: '__proto__', value },
      { cache: 'averages', key: 'a/b "c" ü', value: '[1]' },
    ]
    await ops.scene.work(average, ['demand'], () => [], { cache: entries })
    const answer = await ops.get('/v1/cache/averages')
    expect(answer).toMatchObject({ status: 200, json: { name: 'averages', revision: expect.any(Number) } })
    expect(answer.text).toContain(`"__proto__":${value}`)
    expect(Object.keys(answer.json.entries).sort()).toEqual(['__proto__', 'a/b "c" ü'])
    const one = await ops.get(`/v1/cache/averages/${encodeURIComponent('a/b "c" ü')}`)
    expect(one).toMatchObject({ status: 200, json: { name: 'averages', key: 'a/b "c" ü', value: [1], updated: expect.any(String) } })
  })

  test('answers 304 until something changes', async () => {
    await using ops = await listen(['demand'])
    const put = async (value: string) => {
      await ops.scene.send('demand', 'k', '1')
      await ops.scene.work(average, ['demand'], () => [], { cache: [{ cache: 'averages', key: 'k', value }] })
    }
    await put('1')
    for (const path of ['/v1/cache/averages', '/v1/cache/averages/k']) {
      const first = await ops.get(path)
      const tag = first.headers.etag!
      expect(tag).toMatch(/^"[^"]+"$/)
      for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*'])
        expect(await ops.get(path, { 'if-none-match': header })).toMatchObject({ status: 304, text: '', headers: { etag: tag } })
      await put(JSON.stringify(path))
      const changed = await ops.get(path, { 'if-none-match': tag })
      expect(changed.status).toBe(200)
      expect(changed.headers.etag).not.toBe(tag)
    }
  })

  test('is empty while it is declared and nothing was written, so that a page can begin before the data', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    expect(await ops.get('/v1/cache/averages')).toMatchObject({ status: 200, json: { name: 'averages', revision: 0, entries: {} } })
  })

  test('says which caches there are when one is asked for that is not', async () => {
    await using ops = await listen(['demand'], { pipeline: grid })
    expect(await ops.get('/v1/cache/nothing')).toMatchObject({
      status: 404,
      json: { code: 'CACHE_UNKNOWN', detail: expect.stringContaining('averages') },
    })
    expect(await ops.get('/v1/cache/averages/nobody')).toMatchObject({ status: 404, json: { code: 'CACHE_UNKNOWN' } })
  })
})
