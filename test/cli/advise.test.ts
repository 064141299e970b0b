import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Live } from '../runtime/live.ts'
import { folder, millrace } from './millrace.ts'

/** Its handler holds its thread for 10 ms without taking any processor from the others: one replica does 100 a second. */
const PIPELINE = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number() }), { partitions: 4 })
const result = topic('result', z.object({ n: z.number() }))
const lock = new Int32Array(new SharedArrayBuffer(4))
const grind = agent('grind', { version: 1, from: work, to: result }, datum => {
  Atomics.wait(lock, 0, 0, 10)
  return { n: datum.n }
})
export default pipeline('advised', { agents: [grind] })
`
const DATA = 60
const PAUSE_MS = 250

interface Answer {
  readonly advice: readonly { readonly about: string; readonly cause: string; readonly decision: string }[]
}

it('says what a running pipeline is to be given, to people and to programs', { timeout: 180_000 }, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  await live.millrace.ready
  let sending = true
  const producer = (async () => {
    for (let n = 0; sending; n += DATA) {
      expect(
        await live.send(
          'work',
          Array.from({ length: DATA }, (_, i) => ({ n: n + i })),
        ),
      ).toBe(202)
      await sleep(PAUSE_MS)
    }
  })()
  try {
    const at = ['--data', live.data]
    const calm = await millrace(['advise', ...at])
    expect(calm).toMatchObject({ code: 0, stdout: '', stderr: 'Nothing is to be scaled.\n' })
    await live.until('it is advised', async () => ((await live.ask('/v1/advice')) as unknown as Answer).advice.length > 0, 120_000)
    const answer = JSON.parse((await millrace(['advise', '--json', ...at])).stdout) as Answer
    expect(answer.advice).toMatchObject([{ about: 'grind@1', cause: 'load', decision: 'add_replicas' }])
    const { stdout } = await millrace(['advise', ...at])
    expect(stdout).toMatch(/^grind@1 is 100 % busy on its fullest partition and [\d,]+ data behind, with 1 replica: [34] keep up/)
    expect(stdout).toMatch(/\n {2}do {7}in the pipeline, of grind@1: replicas: \{ min: [34], max: 4 \}\n/)
  } finally {
    sending = false
    await producer
  }
})

it('needs a process that runs, and says how to name one', async () => {
  const { code, stderr } = await millrace(['advise', '--data', folder()])
  expect(code).toBe(5)
  expect(stderr).toMatch(/No process runs on .*: advice is made from what a running one measures\./)
  expect(stderr).toContain('--data')
})
