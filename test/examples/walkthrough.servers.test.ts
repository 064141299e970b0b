import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../e2e/installed.ts'

const WALKTHROUGH = fileURLToPath(new URL('../../examples/sentiment/walkthrough.ts', import.meta.url))

it('a second model is shadowed, compared and promoted, the first one decommissioned, and each feedback has one mood', {
  timeout: 400_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-walkthrough-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const node = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', WALKTHROUGH, '--folder', folder]
  const said = await run(process.execPath, node, folder)
  const [, pairs, differ] = /Of (\d+) feedback the two see (\d+) otherwise/.exec(said)!.map(Number) as [number, number, number]
  expect(pairs).toBeGreaterThan(300)
  // Two models of one truth: often of one mind, and not always.
  expect(differ / pairs).toBeGreaterThan(0.02)
  expect(differ / pairs).toBeLessThan(0.3)

  const truth = new Map(
    readFileSync(join(folder, 'truth'), 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split(' ') as [string, string]),
  )
  const db = new DatabaseSync(join(folder, 'sentiment.db'), { readOnly: true })
  const rows = db.prepare('SELECT feedback, mood, model, source FROM sentiment').all()
  db.close()
  expect(rows.map(row => String(row.feedback)).sort()).toEqual([...truth.keys()].sort())
  const right = [1, 2].map(version => {
    const own = rows.filter(row => row.model === version)
    expect(own.length).toBeGreaterThan(300)
    expect(new Set(own.map(row => row.source))).toEqual(new Set([`mood@${version}`]))
    return own.filter(row => truth.get(String(row.feedback)) === row.mood).length / own.length
  })
  expect(right[0]).toBeGreaterThan(0.72)
  expect(right[1]).toBeGreaterThan(0.76)
  expect(said).toContain(`${rows.length} feedback, each with one mood`)
})
