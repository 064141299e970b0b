import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../e2e/grid.ts'
import { run, start } from '../e2e/installed.ts'
import { servers } from '../servers/shared.ts'
import { scratch } from '../storage/postgres/scratch.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/sentiment/', import.meta.url))
const CUSTOMERS = 60
const ROUNDS = 25
const SENT = CUSTOMERS * ROUNDS

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sentiment-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A row of the table `sentiment`, as far as it is looked at. */
interface Row {
  readonly feedback: string
  readonly mood: string
  readonly model: number
}

/** Runs the example until it has sent its feedback, and gives the rows once there is one for each. */
async function runExample(said: string, flags: readonly string[], rows: () => Row[] | Promise<Row[]>): Promise<Row[]> {
  const node = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', join(EXAMPLE, 'start.ts')]
  const any = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0']
  const much = [
    '--seed',
    '1',
    '--customers',
    String(CUSTOMERS),
    '--rounds',
    String(ROUNDS),
    '--rate',
    '5000',
    '--truth',
    join(folder, 'truth'),
  ]
  await using example = start(process.execPath, [...node, ...any, ...much, ...flags], folder)
  await example.until(new RegExp(`${SENT} feedback: ${said}, 0 rejected`))
  const stored = await until('a row for each feedback', async () => {
    const found = await rows()
    return found.length >= SENT ? found : undefined
  })
  example.process.kill('SIGTERM')
  expect(await example.ended).toBe(0)
  return stored
}

/** By the feedback's data_id, the mood that was behind it. */
function truth(): Map<string, string> {
  const lines = readFileSync(join(folder, 'truth'), 'utf8').trim().split('\n')
  return new Map(lines.map(line => line.split(' ') as [string, string]))
}

/** The share of the rows that have the mood that was behind the feedback; each feedback must have exactly one. */
function rightIn(rows: readonly Row[]): number {
  const moods = truth()
  expect(rows.map(row => row.feedback).sort()).toEqual([...moods.keys()].sort())
  return rows.filter(row => moods.get(row.feedback) === row.mood).length / rows.length
}

it('stores what the model makes of each feedback, once, also when all of it is sent again', { timeout: 120_000 }, async () => {
  const query = (text: string, ...values: number[]) => {
    const db = new DatabaseSync(join(folder, 'sentiment.db'), { readOnly: true, timeout: 5_000 })
    try {
      return db.prepare(text).all(...values)
    } finally {
      db.close()
    }
  }
  // As the schema of the topic says.
  const inBoth = 'SELECT feedback, mood, model FROM sentiment WHERE (SELECT count(*) FROM feedback) >= ?'
  // Two agents store: either may be behind the other.
  const rows = () => query(inBoth, SENT) as unknown as Row[]
  const stored = await runExample(`${SENT} accepted, 0 duplicate`, [], rows)
  expect(rightIn(stored)).toBeGreaterThan(0.75)
  expect(new Set(stored.map(row => row.model))).toEqual(new Set([1]))
  // What it was made from leads back to the very feedback.
  expect(
    query(
      'SELECT count(*) AS n FROM sentiment JOIN feedback ON feedback.data_id = sentiment.feedback AND feedback.customer = sentiment.customer',
    ),
  ).toEqual([{ n: SENT }])
  expect(query("SELECT count(*) AS n FROM sentiment WHERE parents ->> 0 = feedback AND source = 'mood@1'")).toEqual([{ n: SENT }])

  expect(await runExample(`0 accepted, ${SENT} duplicate`, [], rows)).toEqual(stored)
})

it('stores in PostgreSQL where it is told to', { timeout: 120_000 }, async () => {
  const database = scratch(servers().postgres)
  await database.sql(`CREATE SCHEMA ${database.schema}`)
  const address = `${servers().postgres}?options=-c%20search_path%3D${database.schema}`
  const rows = async () => {
    const [made] = await database.sql("SELECT to_regclass('sentiment') IS NOT NULL AS there")
    // As the schema of the topic says.
    return made?.there === true ? ((await database.sql('SELECT feedback, mood, model FROM sentiment')) as unknown as Row[]) : []
  }
  const stored = await runExample(`${SENT} accepted, 0 duplicate`, ['--postgres', address, '--data', 'on-postgres'], rows)
  expect(rightIn(stored)).toBeGreaterThan(0.75)
})

it('has the models that its own training makes, the second better than the first', { timeout: 120_000 }, async () => {
  const said = await run('python3', [join(EXAMPLE, 'train.py'), '--out', folder], folder)
  const [first, second] = [...said.matchAll(/version \d, [a-z ]+: ([\d.]+) % right/g)].map(match => Number(match[1])) as [number, number]
  expect(first).toBeGreaterThan(75)
  expect(second).toBeGreaterThan(first + 3)
  for (const model of ['model-1.json', 'model-2.json'])
    expect(JSON.parse(readFileSync(join(EXAMPLE, model), 'utf8')), model).toEqual(JSON.parse(readFileSync(join(folder, model), 'utf8')))
})
