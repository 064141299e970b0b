import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { readAll } from '../../src/testing/suite-data.ts'
import { until } from './harness.ts'
import { Millrace } from './millrace.ts'

const file = fileURLToPath(new URL('./pipelines/ends-its-process.ts', import.meta.url))
const DATA = 20
const MOST_STARTS = 8

it('a datum that ends the whole process is found by itself and is a dead letter; its neighbours are done once', {
  timeout: 120_000,
}, async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-fault-'))
  let millrace = new Millrace({ file, data })
  try {
    const { listen } = await millrace.ready
    const lines = Array.from({ length: DATA }, (_, n) => JSON.stringify({ n })).join('\n')
    // It may be gone before it has answered: what counts is that the data are in the stream.
    await fetch(`${listen}/v1/topics/job/batch`, {
      method: 'POST',
      body: lines,
      headers: { 'content-type': 'application/x-ndjson' },
    }).catch(() => undefined)
    let starts = 1
    while (starts < MOST_STARTS && (await endsItself(millrace, data))) {
      millrace = new Millrace({ file, data })
      starts++
    }
    // Nobody has seen it the first time; then three attempts, as the policy says.
    expect(starts).toBe(5)
    expect(await millrace.stop(), millrace.errors).toBe(0)
    const view = await viewEmbedded(data)
    expect(await view.letters.list({ limit: 10 })).toMatchObject([{ offset: 7, attempts: 3, error: { code: 'AGENT_CRASHED' } }])
    const results = (await readAll(view, 'result', 0)).map(text => JSON.parse(text).n)
    expect(results).toEqual(Array.from({ length: DATA }, (_, n) => n).filter(n => n !== 7))
    await view.close()
  } finally {
    await millrace[Symbol.asyncDispose]()
    rmSync(data, { recursive: true, force: true })
  }
})

/** Waits until the process ends, or has handled everything. @returns whether it has ended. */
async function endsItself(millrace: Millrace, data: string): Promise<boolean> {
  let ended = false
  const ending = millrace.ended.then(() => {
    ended = true
  })
  const view = await viewEmbedded(data)
  await until('it ends, or everything is handled', 60_000, async () => {
    return ended || (await view.standings()).some(at => at.topic === 'job' && at.checkpoint.offset === DATA)
  })
  await view.close()
  if (ended) await ending
  return ended
}
