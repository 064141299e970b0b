/**
 * The grid's producer: a process of its own that pushes readings through the front end, as stations would, with its own keys. With
 * several `--url` it spreads over those front ends and goes on with the others while one is away.
 * Simulated (an hour of grid time in each round of all stations) or, with `--csv`, real metered load.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { parse } from 'csv-parse'
import { FrontEnds } from './front-ends.ts'
import { type Reading, simulate } from './simulator.ts'

const BATCH = 500
const RETRY_MS = 1000
/** A front end that is silent for so long is taken for one that is away. */
const ANSWER_MS = 30_000

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', multiple: true, default: ['http://127.0.0.1:7070'] },
    rate: { type: 'string' },
    seed: { type: 'string', default: '1' },
    generators: { type: 'string', default: '500' },
    consumers: { type: 'string', default: '1000' },
    csv: { type: 'string' },
  },
})
const frontEnds = new FrontEnds(options.url)
/** One key for the generating stations, one for the demand stations; each may write to its own topic only. */
const keys = { generation: process.env.GRID_GENERATION_KEY, demand: process.env.GRID_DEMAND_KEY }
const totals = { accepted: 0, duplicate: 0, rejected: 0 }

/** Sends a batch until every line has a final receipt. The same `id` makes sending it again safe: what is there already is a duplicate. */
async function push(topic: 'generation' | 'demand', readings: readonly Reading[], id: string): Promise<void> {
  const body = readings.map(r => JSON.stringify(r)).join('\n')
  const key = keys[topic]
  for (;;) {
    const url = await frontEnds.next()
    const answer = await post(`${url}/v1/topics/${topic}/batch?receipts=failures`, body, {
      'content-type': 'application/x-ndjson',
      'idempotency-key': id,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    })
    if (typeof answer === 'object' && answer.retry === 0) {
      totals.accepted += answer.accepted
      totals.duplicate += answer.duplicate
      totals.rejected += answer.rejected
      return
    }
    frontEnds.pause(url, typeof answer === 'number' ? answer : RETRY_MS)
  }
}

interface BatchAnswer {
  accepted: number
  duplicate: number
  rejected: number
  retry: number
}

/** The answer, or how long to wait before sending again: the front end was away, or asked for time. */
async function post(url: string, body: string, headers: Record<string, string>): Promise<BatchAnswer | number> {
  try {
    const response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(ANSWER_MS) })
    if (response.ok) return (await response.json()) as BatchAnswer
    if (response.status === 429 || response.status >= 500) return Number(response.headers.get('retry-after') ?? 1) * 1000
    throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  } catch (error) {
    // fetch says TypeError when nothing answers; the process may be starting again.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return RETRY_MS
    throw error
  }
}

/** Lets through `perSecond` data, evenly. */
function pace(perSecond: number): (count: number) => Promise<void> {
  const began = performance.now()
  let sent = 0
  return async count => {
    sent += count
    const early = (sent / perSecond) * 1000 - (performance.now() - began)
    if (early > 0) await sleep(early)
  }
}

async function simulated(): Promise<void> {
  const grid = simulate({
    seed: Number(options.seed),
    generators: Number(options.generators),
    consumers: Number(options.consumers),
    start: Date.now(),
  })
  const wait = pace(Number(options.rate ?? 1500))
  const run = `${options.seed}-${Date.now()}`
  for (let hour = 0; ; hour++) {
    const round = grid.next()
    for (const topic of ['generation', 'demand'] as const) {
      for (let at = 0; at < round[topic].length; at += BATCH) {
        const batch = round[topic].slice(at, at + BATCH)
        await push(topic, batch, `${run}-${hour}-${topic}-${at}`)
        await wait(batch.length)
      }
    }
  }
}

/** Columns hour, region, megawatts. Ids come from the file's content and the line, so running it twice stores nothing twice, and two equal lines are two data. */
async function replay(file: string): Promise<void> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(file)) digest.update(chunk)
  const run = digest.digest('hex').slice(0, 32)
  const wait = pace(Number(options.rate ?? 500))
  let batch: Reading[] = []
  let line = 0
  const flush = async () => {
    await push('demand', batch, `${run}-${line - batch.length}`)
    await wait(batch.length)
    batch = []
  }
  for await (const row of createReadStream(file).pipe(parse({ columns: true, skip_empty_lines: true }))) {
    const { hour, region, megawatts } = row as Record<string, string | undefined>
    if (hour === undefined || region === undefined || megawatts === undefined)
      throw new Error(`${file} has no columns hour, region, megawatts: it begins with ${Object.keys(row as object).join(', ')}.`)
    batch.push({ station: region, at: hour, megawatts: Number(megawatts) })
    line++
    if (batch.length === BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  console.log(`${file}: ${line} lines, ${totals.accepted} accepted, ${totals.duplicate} duplicate, ${totals.rejected} rejected`)
}

try {
  await (options.csv === undefined ? simulated() : replay(options.csv))
} catch (error) {
  // A file that is not there or has other columns: the sentence is enough.
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
