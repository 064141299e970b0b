import type { Selection } from '../../agents/change-letters.ts'
import type { StoredLetter } from '../../agents/dead-letter.ts'
import { deadLetters, groupLetters } from '../../agents/letter-groups.ts'
import { type LetterTrial, tryLetter } from '../../agents/letter-trial.ts'
import { systemClock } from '../../clock.ts'
import { groupToJson } from '../../console/letters.ts'
import type { EngineView } from '../../engine/engine.ts'
import type { Pipeline } from '../../pipeline.ts'
import { loadPipeline } from '../../runtime/load.ts'
import { EXIT } from '../exit.ts'
import { type Output, paint, plain } from '../output.ts'
import { grouped } from '../table.ts'
import { drawGroups } from './draw.ts'

/** What a replay would give to whom, without anything happening. */
export async function listWhatWouldBe(view: EngineView, selection: Selection, output: Output): Promise<void> {
  const groups =
    'filter' in selection
      ? await groupLetters(view.letters, selection.filter)
      : await groupLetters({ list: filter => view.letters.list({ ...filter, letters: selection.letters }) }, {})
  const count = groups.reduce((sum, group) => sum + group.count, 0)
  output.answer({ dry_run: true, letters: count, groups: groups.map(groupToJson) }, () => drawGroups(groups))
  if (!output.json) output.notice(`${grouped(count)} would be replayed. With --using pipeline.ts their handlers are tried on them, too.`)
}

/** Tries the handlers of a pipeline's file on letters, here and now, and shows what comes of it. Nothing of it is kept. */
export async function tryHandlers(view: EngineView, selection: Selection, using: string, limit: number, output: Output): Promise<void> {
  const letters = await firstOf(view, selection, limit)
  const pipeline = await loadPipeline(using)
  const tried: Tried[] = []
  for (const letter of letters) {
    const one = await tryOne(view, pipeline, letter)
    tried.push(one)
    if (!output.json) process.stdout.write(`${draw(one)}\n`)
  }
  if (output.json) output.answer({ dry_run: true, tried: tried.map(toJson) }, () => '')
  const failed = tried.filter(({ trial }) => trial === undefined || trial.outcome === 'failure').length
  if (!output.json) {
    const more = letters.length === limit ? ` These are the first ${limit}: --limit tries more.` : ''
    output.notice(`${tried.length - failed} of ${tried.length} would be done, ${failed} would not. Nothing was replayed.${more}`)
    const withPast = new Set(tried.flatMap(({ agent, withoutPast }) => (agent !== undefined && withoutPast ? [agent.name] : [])))
    if (withPast.size > 0)
      output.notice(`${[...withPast].join(', ')} keep a window or a state: here each datum was tried without any past but itself.`)
  }
  if (failed > 0) process.exitCode = EXIT.partly
}

interface Tried extends LetterTrial {
  readonly letter: StoredLetter
}

async function tryOne(view: EngineView, pipeline: Pipeline, letter: StoredLetter): Promise<Tried> {
  return { letter, ...(await tryLetter(pipeline, letter, await view.letters.frame(letter.letter), systemClock)) }
}

async function firstOf(view: EngineView, selection: Selection, limit: number): Promise<StoredLetter[]> {
  if ('letters' in selection) return view.letters.list({ letters: selection.letters, state: 'dead', after: 0, limit })
  const first: StoredLetter[] = []
  for await (const page of deadLetters(view.letters, selection.filter)) {
    first.push(...page.slice(0, limit - first.length))
    if (first.length === limit) break
  }
  return first
}

function draw({ letter, trial, reason }: Tried): string {
  const head = `${paint('bold', String(letter.letter))}  ${letter.agent.name}@${letter.agent.version}  ${letter.dataId}`
  if (trial === undefined) return `${head}\n  cannot be tried here: ${reason}`
  if (trial.outcome === 'failure') return `${head}\n  ${paint('red', 'fails:')} ${plain(sentenceOf(trial.error))}`
  if (trial.outputs.length === 0) return `${head}\n  done, without an output`
  return [head, ...trial.outputs.map(({ to, data }) => `  → ${to}  ${plain(textOf(data))}`)].join('\n')
}

function toJson({ letter, trial, reason }: Tried): object {
  const of = { letter: letter.letter, agent: letter.agent.name, version: letter.agent.version, data_id: letter.dataId }
  if (trial === undefined) return { ...of, outcome: 'untried', reason }
  if (trial.outcome === 'failure') return { ...of, outcome: 'failure', error: sentenceOf(trial.error) }
  const outputs = trial.outputs.map(({ to, key, data }) => ({
    to,
    key: key === '' ? null : key,
    ...(typeof data === 'string' ? { json: JSON.parse(data) } : { data: Buffer.from(data).toString('base64') }),
  }))
  return { ...of, outcome: 'outputs', outputs }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

const SHOWN_CHARACTERS = 500

function textOf(data: string | Uint8Array): string {
  if (typeof data !== 'string') return `${grouped(data.length)} bytes`
  return data.length > SHOWN_CHARACTERS ? `${data.slice(0, SHOWN_CHARACTERS)}…` : data
}
