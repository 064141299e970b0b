import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { rowsIn } from '../storage/duckdb.ts'
import { Grid, until } from './grid.ts'

const HOURS = 600
const REGIONS = ['COMED', 'DUQ', 'PJME']
/** Metered load as it comes: at the clock changes an hour is missing, another is there twice, with its own values or with equal ones. */
const LINES = Array.from({ length: HOURS }, (_, i) => i)
  .filter(i => i !== 70)
  .flatMap(i => (i === 300 ? [i, i] : [i]))
  .flatMap((i, n) =>
    REGIONS.map(
      (region, r) =>
        `${new Date(Date.UTC(2017, 2, 9, i)).toISOString().slice(0, 16)},${region},${r === 0 ? 10_000 : 9_000 + ((n * 131 + r * 977) % 4_000)}`,
    ),
  )

interface LedgerAnswer {
  readonly balanced: boolean
  readonly rows: readonly {
    readonly agent: string
    readonly topic: string
    readonly done: number
    readonly dead: number
    readonly behind: number
  }[]
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  // The operators' API, as its pages describe it.
  return (await response.json()) as T
}

describe('the power grid, replaying metered load', () => {
  let folder: string | undefined
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it('stores every line once, doubled hours too, and nothing when it is run again', { timeout: 180_000 }, async () => {
    {
      await using grid = await Grid.start(['--rate', '10000', '--csv', csv()], folder)
      await grid.says(new RegExp(`${LINES.length} lines, ${LINES.length} accepted, 0 duplicate, 0 rejected`))
      const ledger = await caughtUp(grid.url)
      expect(ledger.balanced).toBe(true)
      expect(sum(ledger, 'forecast', 'demand')).toBe(LINES.length)
      // A station's first datum has nothing to be forecast from; neither has a window in which nothing changed.
      const predicted = LINES.length - HOURS - (REGIONS.length - 1)
      expect(sum(ledger, 'dispatch', 'demand-prediction')).toBe(predicted)
      expect(ledger.rows.every(row => row.dead === 0)).toBe(true)
      expect(await grid.stop()).toBe(0)
    }
    await using again = await Grid.start(['--rate', '10000', '--csv', csv()], folder)
    await again.says(new RegExp(`${LINES.length} lines, 0 accepted, ${LINES.length} duplicate, 0 rejected`))
    expect(sum(await caughtUp(again.url), 'forecast', 'demand')).toBe(LINES.length)
    const lake = join(again.folder, 'lake', 'demand')
    const stored = await until('the lake to have every reading', async () => {
      if (!existsSync(lake)) return undefined
      const rows = await rowsIn(
        lake,
        "SELECT station, count(*) AS n, sum(megawatts) AS mw FROM read_parquet('{}/**/*.parquet') GROUP BY station ORDER BY station",
      )
      return rows.reduce((total, row) => total + Number(row.n), 0) >= LINES.length ? rows : undefined
    })
    const expected = REGIONS.map(region => {
      const own = LINES.map(line => line.split(',')).filter(([, name]) => name === region)
      return { station: region, n: own.length, mw: own.reduce((total, [, , mw]) => total + Number(mw), 0) }
    })
    expect(stored.map(row => ({ station: row.station, n: Number(row.n), mw: row.mw }))).toEqual(expected)
  })

  it('says in a sentence that a file is not there, and ends', { timeout: 60_000 }, async () => {
    await using grid = await Grid.start(['--csv', 'none.csv'])
    await grid.says(/^error: ENOENT: no such file or directory, open 'none\.csv'$/m)
    await grid.says(/^Stopped\.$/m)
    expect(await grid.stop()).toBe(1)
  })

  function csv(): string {
    folder ??= Grid.folder()
    const file = join(folder, 'load.csv')
    writeFileSync(file, `hour,region,megawatts\n${LINES.join('\n')}\n`)
    return file
  }
})

/** The ledger when the agents (not the storage agent, which waits for its files to fill) have read everything. */
function caughtUp(url: string): Promise<LedgerAnswer> {
  return until('the agents to catch up', async () => {
    const ledger = await json<LedgerAnswer>(`${url}/v1/ledger`)
    return ledger.rows.every(row => row.agent === 'lake' || row.behind === 0) ? ledger : undefined
  })
}

function sum(ledger: LedgerAnswer, agent: string, topic: string): number {
  return ledger.rows.filter(row => row.agent === agent && row.topic === topic).reduce((total, row) => total + row.done, 0)
}
