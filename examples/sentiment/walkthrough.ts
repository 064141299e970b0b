/**
 * `npm run sentiment:versions`: a second model takes over from the first while feedback comes in, by the commands that a person would give. At the
 * end it is looked whether each feedback has one mood. It works in a folder that is removed afterwards, or in `--folder DIR`, which stays.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Running } from './running.ts'
import { readSaid, verdict } from './verdict.ts'

/** What each version is seen to do before the next step. */
const ENOUGH = 300

/** Of `millrace compare`, what is looked at. */
interface Comparison {
  readonly topics: readonly { readonly pairs: number; readonly fields: readonly { readonly field: string; readonly different: number }[] }[]
}

const { folder: asked } = parseArgs({ options: { folder: { type: 'string' } } }).values
const folder = asked ?? mkdtempSync(join(tmpdir(), 'millrace-sentiment-'))
mkdirSync(folder, { recursive: true })
process.chdir(folder)

say('The first model says what mood each customer is in.')
declare('mood(1)')
const running = await Running.start('pipeline.ts', ['--seed', '1', '--customers', '60', '--rate', '100', '--truth', 'truth'])
try {
  await said(1, ENOUGH)

  say('A model of another kind runs beside it as its shadow: what that says is kept apart.')
  declare('mood(1)', 'mood(2, { shadow: true })')
  await running.agent('mood@2 (shadow)', 'running', ENOUGH)

  say('What would change?')
  const { topics } = await running.command<Comparison>('compare', 'mood@1', 'mood@2', '--last', '1h')
  const [{ pairs, fields }] = topics as [Comparison['topics'][number]] // it writes to one topic
  console.log(`  Of ${pairs} feedback the two see ${fields.find(({ field }) => field === 'mood')?.different ?? 0} otherwise.`)

  say('The second model takes over, between two feedback.')
  await running.command('promote', 'mood@2', '--yes')
  await running.agent('mood@1', 'replaced')
  await said(2, ENOUGH)

  say('The file is to say so, too. For a while the first model goes on as the shadow of the second, to see what is missed.')
  declare('mood(2, { replaces: 1 })', 'mood(1, { shadow: true })')
  await running.agent('mood@1 (shadow)', 'running', ENOUGH)

  say('Nothing is: the first model goes, and at our leisure its mention in the file.')
  await running.command('decommission', '_shadow.mood@1', '--yes')
  await running.agent('mood@1 (shadow)', 'decommissioned')
  await said(2, 2 * ENOUGH)

  say('Has each feedback one mood?')
  const sent = await running.endProducer()
  await running.until('a mood for each feedback', () => readSaid('sentiment.db').length >= sent)
  console.log(`  ${verdict(readSaid('sentiment.db'), readFileSync('truth', 'utf8'))}.`)
  // It fails where it does not balance.
  await running.command('ledger')
} finally {
  await running.stop()
  if (asked === undefined) rmSync(folder, { recursive: true, force: true })
}

/** Writes the pipeline file, as a person edits it: `millrace dev` runs what it says from now on. */
function declare(...moods: readonly string[]): void {
  const text = `export default sentiments(${moods.join(', ')})`
  writeFileSync(
    'pipeline.ts',
    `import { mood, sentiments } from ${JSON.stringify(new URL('sentiment.ts', import.meta.url).href)}\n\n${text}\n`,
  )
  console.log(`  pipeline.ts: ${text}`)
}

/** Waits until a version of the model has so many moods in the database. */
function said(version: number, count: number): Promise<void> {
  return running.until(
    `${count} moods by version ${version}`,
    () => readSaid('sentiment.db').filter(({ model }) => model === version).length >= count,
  )
}

function say(what: string): void {
  console.log(`\n${what}`)
}
