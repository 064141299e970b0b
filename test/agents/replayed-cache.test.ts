import { agent, cache, pipeline, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'

const reading = topic('reading', z.object({ station: z.string(), n: z.number() }), { key: d => d.station })
const latest = cache('latest', z.object({ station: z.string(), n: z.number() }), { key: d => d.station })

/** Keeps the latest reading of each station, but for those that it fails for. */
function keeping(fails: (d: { n: number }) => boolean) {
  return agent('keep', { version: 1, from: reading, to: latest, retry: { attempts: 1 } }, d => {
    if (fails(d)) throw new Error('Broken.')
    return d
  })
}

test('a dead letter that is replayed does not put its older value over a newer one in a cache', async () => {
  let broken = true
  const keep = keeping(d => broken && d.n === 1)
  await using run = await testPipeline(pipeline('p', { agents: [keep] }))
  await run.send(reading, { station: 'a', n: 1 })
  await run.send(reading, { station: 'a', n: 2 })
  await run.settled()
  broken = false
  await run.replay()
  await run.settled()
  expect(run.cache(latest)).toEqual(new Map([['a', { station: 'a', n: 2 }]]))
})

test('dead letters that are replayed together are put again in the order in which they died, and fill a cache that has nothing newer', async () => {
  let broken = true
  const keep = keeping(() => broken)
  await using run = await testPipeline(pipeline('p', { agents: [keep] }))
  await run.send(reading, { station: 'a', n: 1 })
  await run.send(reading, { station: 'a', n: 2 })
  await run.settled()
  broken = false
  // As they are listed: the newest first.
  await run.replay([2, 1])
  await run.settled()
  expect(run.cache(latest)).toEqual(new Map([['a', { station: 'a', n: 2 }]]))
})
