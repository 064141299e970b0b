import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forecastNext } from '../../examples/grid/model.ts'
import type { Reading } from '../../examples/grid/simulator.ts'
import { systemClock } from '../../src/clock.ts'
import type { HealthAnswer } from '../../src/console/api/health.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { openDistributed } from '../../src/runtime/distributed.ts'
import { type Datum, readLog } from '../faults/log.ts'
import { servers } from '../servers/shared.ts'
import { rowsIn } from '../storage/duckdb.ts'
import { DistributedGrid } from './distributed-grid.ts'

const REGIONS = ['COMED', 'DUQ', 'PJME', 'AEP', 'DOM', 'EKPC', 'NI', 'DAYTON']
const HOURS = 900
const LINES = Array.from({ length: HOURS }, (_, hour) => hour).flatMap(hour =>
  REGIONS.map((region, r) => {
    const at = new Date(Date.UTC(2017, 0, 1, hour)).toISOString().slice(0, 16)
    return `${at},${region},${9_000 + ((hour * 131 + r * 977) % 4_000)}`
  }),
)
/** One of each kind. */
const VICTIMS = ['frontend-1', 'agents-1', 'storage-1', 'console-1'] as const
/** Slow enough that data flow while all of them die, one after another. */
const RATE = 250
const WINDOW = 20
const READY_MS = 180_000
const REST_MS = 240_000
const SPOKEN = /(\d+) lines, (\d+) accepted, (\d+) duplicate, (\d+) rejected/
const ALL = { lines: LINES.length, accepted: LINES.length, duplicate: 0, rejected: 0 }

interface LedgerAnswer {
  readonly balanced: boolean
  readonly rows: readonly {
    readonly agent: string
    readonly topic: string
    readonly done: number
    readonly dead: number
    readonly duplicate: number
    readonly lost: number
    readonly behind: number
  }[]
}

describe('the power grid on many processes, each of which is killed once while data flow', () => {
  const prefix = `g${randomBytes(5).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'millrace-grids-'))
  const csv = join(folder, 'load.csv')
  let stream: string
  let trace: string
  let view: Engine

  beforeAll(async () => {
    const { kafka, redis } = servers()
    stream = `kafka://${kafka}?prefix=${prefix}.`
    trace = `${redis}?prefix=${prefix}:`
    writeFileSync(csv, `hour,region,megawatts\n${LINES.join('\n')}\n`)
    const shared = { pipeline: 'grid', clock: systemClock, held: () => undefined, warn: () => undefined }
    view = await openDistributed({ stream: { url: stream }, trace: { url: trace } }, shared)
  })

  afterAll(async () => {
    await view?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('handles every line once, and nothing more when all of them are sent again', { timeout: 900_000 }, async () => {
    await using grid = await DistributedGrid.start({ stream, trace, folder, args: ['--csv', csv, '--rate', String(RATE)] })
    const ready: ReturnType<typeof grid.kill>[] = []
    for (const victim of VICTIMS) {
      // At once when data have come, so that it dies with them in hand.
      const before = await appended()
      await grid.until('data to flow', READY_MS, async () => ((await appended()) > before ? true : undefined))
      ready.push(grid.kill(victim))
    }
    expect(await appended(), 'data still flow').toBeLessThan(LINES.length)
    await Promise.all(ready.map(again => again(READY_MS)))
    // What was sent again because its answer died with a front end is a duplicate.
    const first = counted(await grid.says(SPOKEN, REST_MS))
    expect({ ...first, accepted: first.accepted + first.duplicate, duplicate: 0 }).toEqual(ALL)
    await handled(grid)
    await checkOnce()

    const before = await appended()
    const second = counted(SPOKEN.exec(await grid.sendAgain(csv)))
    expect({ ...second, accepted: second.accepted + second.duplicate, duplicate: 0 }).toEqual(ALL)
    // Where the trace did not answer in time the front end lets a copy in: it is in the stream then, and nowhere else.
    expect((await appended()) - before).toBe(second.accepted)
    await handled(grid)
    await checkOnce()
    // The process with the console runs no agent, and has been killed: it sees canaries arrive all the same.
    await grid.until('a canary to have come along every path', REST_MS, async () => {
      const { canaries } = await health(grid.url)
      return canaries.length === 2 && canaries.every(({ seconds, overdue }) => seconds !== null && !overdue) ? true : undefined
    })
    expect(await grid.stop()).toBe(0)
  })

  async function health(url: string): Promise<HealthAnswer> {
    return (await (await fetch(`${url}/v1/health`)).json()) as HealthAnswer // our own API
  }

  /** Records in demand, copies among them. */
  async function appended(): Promise<number> {
    return (await view.bounds('demand')).reduce((sum, { next }) => sum + next, 0)
  }

  /** Waits until every agent, the lake too, has handled everything. */
  async function handled(grid: DistributedGrid): Promise<void> {
    await grid.until('every agent to have handled everything', REST_MS, async () => {
      const { rows } = await ledger(grid.url)
      const seen = rows.filter(({ agent, topic }) => agent === 'forecast' && topic === 'demand')
      return seen.length > 0 && rows.every(row => row.behind === 0) ? true : undefined
    })
    expect((await ledger(grid.url)).balanced).toBe(true)
    const { rows } = await ledger(grid.url)
    expect(rows.filter(row => row.dead > 0 || row.lost > 0)).toEqual([])
    for (const agent of ['forecast', 'lake']) {
      const own = rows.filter(row => row.agent === agent && row.topic === 'demand')
      const total = (of: 'done' | 'duplicate') => own.reduce((sum, row) => sum + row[of], 0)
      expect({ agent, done: total('done'), duplicate: total('duplicate') }).toEqual({
        agent,
        done: LINES.length,
        duplicate: (await appended()) - LINES.length,
      })
    }
  }

  /** Compares log, outputs, cache and lake with the file. */
  async function checkOnce(): Promise<void> {
    const readings = distinct(await readLog(view, 'demand')).map(({ id, value }) => ({ id, reading: value as unknown as Reading })) // grid.ts: its schema
    expect(readings.map(({ reading }) => `${reading.at},${reading.station},${reading.megawatts}`).sort()).toEqual([...LINES].sort())

    const { predictions, compared } = recomputed(readings)
    const predicted = distinct(await readLog(view, 'demand-prediction'))
    expect(new Map(predicted.map(({ parents, value }) => [parents[0], value.megawatts]))).toEqual(predictions)
    expect(predicted).toHaveLength(predictions.size)
    const told = distinct(await readLog(view, 'dispatch'))
    expect(told.map(({ parents }) => parents[0]).sort()).toEqual(predicted.map(({ id }) => id).sort())

    const cache = await view.cache('demand-against-prediction')
    expect(new Map(cache?.entries.map(({ key, value }) => [key, JSON.parse(value)]))).toEqual(compared)

    expect(await lake('demand', 'at')).toEqual([...LINES].sort())
    expect(await lake('demand-prediction', 'after')).toEqual(
      predicted.map(({ value }) => `${value.after},${value.station},${value.megawatts}`).sort(),
    )
  }

  /** @param time the column with the hour. @returns a line for each row, as in the file. */
  async function lake(topic: string, time: string): Promise<string[]> {
    const place = join(folder, 'lake', topic)
    if (!existsSync(place)) return []
    const rows = await rowsIn(place, `SELECT "${time}", station, megawatts FROM read_parquet('{}/**/*.parquet')`)
    return rows.map(row => `${row[time]},${row.station},${row.megawatts}`).sort()
  }
})

/** What the producer says when it has sent the file. */
function counted(spoken: RegExpExecArray | null) {
  if (spoken === null) throw new Error('the producer did not say what came of the lines')
  const [lines = 0, accepted = 0, duplicate = 0, rejected = 0] = spoken.slice(1).map(Number)
  return { lines, accepted, duplicate, rejected }
}

async function ledger(url: string): Promise<LedgerAnswer> {
  const response = await fetch(`${url}/v1/ledger`)
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as LedgerAnswer // docs/instrumentation.md
}

/** Of each id the first: what comes again under it is a copy, which every agent takes for what it is. */
function distinct(log: readonly Datum[]): Datum[] {
  const first = new Map<string, Datum>()
  for (const datum of log) if (!first.has(datum.id)) first.set(datum.id, datum)
  return [...first.values()]
}

/** What the forecast must have said of each reading, and what the cache must hold, from the log alone. */
function recomputed(readings: readonly { readonly id: string; readonly reading: Reading }[]) {
  const windows = new Map<string, Reading[]>()
  const predictions = new Map<string, number>()
  const compared = new Map<string, object>()
  for (const { id, reading } of readings) {
    const { station, at, megawatts } = reading
    const window = [...(windows.get(station) ?? []), reading].slice(-WINDOW)
    windows.set(station, window)
    const next = forecastNext(window)
    if (next !== undefined) predictions.set(id, next)
    compared.set(station, { station, at, megawatts, predicted: forecastNext(window.slice(0, -1)) ?? null })
  }
  return { predictions, compared }
}
