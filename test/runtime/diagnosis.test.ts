import { expect, it } from 'vitest'
import { millrace } from '../cli/millrace.ts'
import { parsePrometheus } from '../instrumentation/prometheus.ts'
import { Live } from './live.ts'

const PIPELINE = `
import { agent, pipeline, topic } from 'millrace'
import { z } from 'zod'
const work = topic('work', z.object({ n: z.number(), bad: z.boolean().default(false) }), { partitions: 1 })
const options = { version: 1, from: work, timeout: '8s', retry: { attempts: 1 } } as const
const spins = agent('spins', options, datum => { if (datum.bad) grind() })
const waits = agent('waits', options, datum => (datum.bad ? new Promise<undefined>(() => {}) : undefined))
const fails = agent('fails', options, () => { throw new TypeError('no station') })
const works = agent('works', { version: 1, from: work }, () => undefined)
function grind() {
  let sum = 0
  for (;;) sum += Math.sqrt(sum + 1)
}
export default pipeline('diagnosis', { agents: [spins, waits, fails, works] })
`

interface Seen {
  readonly agent: string
  readonly diagnosis: { readonly state: string; readonly words: string; readonly data_id?: string; readonly stack?: string }
  readonly replicas: object
}

it('says of each agent in words how it is: which datum it hangs on and where, what most of its data fail with', {
  timeout: 120_000,
}, async () => {
  await using live = new Live({ 'pipeline.ts': PIPELINE })
  const { operators } = await live.millrace.ready
  expect(await live.send('work', [{ n: 1 }, { n: 2, bad: true }, ...Array.from({ length: 10 }, (_, n) => ({ n: 3 + n }))])).toBe(202)

  const seen = new Map<string, Seen>()
  const text: string[] = []
  await live.until(
    'spins and waits are seen to hang',
    async () => {
      for (const one of (await live.ask('/v1/agents')).agents as Seen[]) {
        if (one.diagnosis.state !== 'healthy') seen.set(one.agent, one)
      }
      text.splice(0, 1, await (await fetch(`${operators}/metrics`)).text())
      return seen.get('spins')?.diagnosis.stack !== undefined && seen.get('waits')?.diagnosis.data_id !== undefined
    },
    60_000,
  )
  const spins = seen.get('spins')?.diagnosis
  expect(spins?.words).toMatch(new RegExp(`^hung on ${spins?.data_id} for \\d+ s, in \\S+ \\(pipeline\\.ts:\\d+\\)$`))
  expect(spins?.stack).toContain('/pipeline.ts:')
  expect(seen.get('waits')?.diagnosis.words).toMatch(/^hung on \S+ for \d+ s: its handler waits for something that does not come$/)
  expect(seen.get('waits')?.diagnosis.data_id).toBe(spins?.data_id)
  const states = parsePrometheus(text[0] ?? '').get('millrace_agents_state')?.samples
  expect(states?.filter(({ labels, value }) => labels.agent === 'waits' && value === 1).map(({ labels }) => labels.state)).toEqual(['hung'])

  await live.until('spins is through', async () => (await live.counts('spins@1')).behind === 0, 60_000)
  expect(await live.counts('spins@1')).toEqual({ done: 11, dead: 1, behind: 0 })
  const { letters } = (await live.ask('/v1/dead?agent=spins')) as { letters: { letter: number }[] }
  expect(await live.ask(`/v1/dead/${letters[0]?.letter}`)).toMatchObject({
    error: { code: 'HANDLER_TIMEOUT' },
    stack: expect.stringContaining('/pipeline.ts:'),
  })

  const drawn = await millrace(['agents'], { cwd: live.project.folder })
  expect(drawn.stdout).toMatch(/^fails@1 +poisoned /m)
  expect(drawn.stdout).toMatch(/^fails@1: poisoned: 12 of the last 12 data failed: TypeError: no station$/m)
  expect(drawn.stdout).toMatch(/^works@1 +running .* 1$/m)
  expect(await live.millrace.stop(), live.millrace.errors).toBe(0)
})
