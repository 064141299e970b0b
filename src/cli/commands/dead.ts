import { confirm, isCancel } from '@clack/prompts'
import type { Command } from 'commander'
import type { LetterFilter, LetterState, StoredLetter } from '../../agents/dead-letter.ts'
import { letterToJson, letterWithDatumToJson } from '../../console/letters.ts'
import { isDataId } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { type Change, type Changed, changeAll, changeLetters } from '../letters.ts'
import { type Output, plain } from '../output.ts'
import { table, timeText } from '../table.ts'
import { withView } from '../view.ts'

interface FilterOptions extends Shared {
  readonly agent?: string
  readonly topic?: string
  readonly matching?: string
  readonly id?: string
}
interface ChangeOptions extends FilterOptions {
  readonly all?: boolean
  readonly yes?: boolean
}

export function addDead(program: Command): void {
  const dead = program.command('dead').description('dead letters: data that an agent could not handle, kept with the reason')
  filters(dead.command('list').description('the newest first'))
    .option('--state <state>', 'dead, replayed, done, discarded or any', 'dead')
    .option('--limit <count>', 'at most so many', '50')
    .action((_options, command: Command) => list(command))
  dead
    .command('show')
    .description('one, with its datum and its error')
    .argument('<letter>', 'its number')
    .action((letter: string, _options, command: Command) => show(letter, command))
  filters(dead.command('replay').description('give data to their agents again: some by number, those that match, or all'))
    .argument('[letters...]', 'their numbers')
    .option('--all', 'all that are dead')
    .action((letters: string[], _options, command: Command) => change('replay', letters, command))
  filters(dead.command('discard').description('give data up for good'))
    .argument('[letters...]', 'their numbers')
    .option('--all', 'all that are dead')
    .option('--yes', 'without asking')
    .action((letters: string[], _options, command: Command) => change('discard', letters, command))
}

function filters(command: Command): Command {
  return command
    .option('--agent <name>', 'of this agent: forecast, or forecast@2')
    .option('--topic <name>', 'of this topic')
    .option('--matching <text>', 'whose reason contains this text')
    .option('--id <data_id>', 'of this datum')
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<FilterOptions & { state: string; limit: string }>(command)
  const output = outputOf(options)
  const filter = { ...filterOf(options), ...stateOf(options.state), limit: numberOf(options.limit, '--limit') }
  const letters = await withView(options, view => view.letters.list(filter))
  output.answer({ letters: letters.map(letterToJson) }, () => draw(letters))
  if (!output.json && letters.length === 0) output.notice('There are no such dead letters.')
}

async function show(given: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const number = numberOf(given, 'The letter')
  const json = await withView(options, async ({ letters }) => {
    const [letter] = await letters.list({ letters: [number], limit: 1 })
    const frame = await letters.frame(number)
    if (letter === undefined || frame === undefined) throw unknownLetters(`There is no dead letter ${number}.`)
    return letterWithDatumToJson(letter, frame)
  })
  output.answer(json, () => JSON.stringify(json, null, 2))
}

async function change(what: Change, given: readonly string[], command: Command): Promise<void> {
  const options = optionsOf<ChangeOptions>(command)
  const output = outputOf(options)
  const numbers = given.map(text => numberOf(text, 'The letter'))
  const filter = filterOf(options)
  const filtered = Object.keys(filter).length > 0
  if ([numbers.length > 0, filtered, options.all === true].filter(Boolean).length !== 1)
    throw usage(
      `dead ${what} needs to know which letters.`,
      `Give their numbers, or a filter (--agent, --topic, --matching, --id), or --all: one of the three.`,
    )
  if (what === 'discard' && options.yes !== true) await ask(output)
  const result = numbers.length > 0 ? await changeLetters(options, what, numbers) : await changeAll(options, what, filter)
  say(output, what, result)
  if (numbers.length > 0 && result.changed.length === 0)
    throw unknownLetters(`None of ${numbers.join(', ')} is a dead letter that is still dead.`)
  if (result.refused.length > 0) process.exitCode = EXIT.partly
}

async function ask(output: Output): Promise<void> {
  if (!output.interactive) throw usage('Discarded data are gone for good, and there is no terminal to ask.', 'Add --yes.')
  const sure = await confirm({ message: 'Discarded data are gone for good. Discard them?', initialValue: false, output: process.stderr })
  if (isCancel(sure) || !sure) throw new MillraceError('USAGE', 'Nothing was discarded.')
}

function say(output: Output, what: Change, { changed, refused }: Changed): void {
  const done = what === 'replay' ? 'replayed' : 'discarded'
  output.answer({ [done]: changed, refused }, () => changed.join('\n'))
  // Letters that were named and not found are an error, which says it all.
  if (output.json || (changed.length === 0 && refused.length > 0)) return
  output.notice(`${changed.length} ${done}${refused.length === 0 ? '' : `; not dead any more, or never there: ${refused.join(', ')}`}.`)
  if (what === 'replay' && changed.length > 0) output.notice('What fails again is dead again: millrace dead list')
}

function draw(letters: readonly StoredLetter[]): string {
  if (letters.length === 0) return ''
  return table(
    ['LETTER', 'STATE', 'AGENT', 'TOPIC', 'DATA_ID', 'WHEN', 'ATTEMPTS', 'REASON'],
    letters.map(letter => [
      letter.letter,
      letter.state,
      `${letter.agent.name}@${letter.agent.version}`,
      letter.topic,
      letter.dataId,
      timeText(letter.atMs),
      letter.attempts,
      plain(letter.error.message.split('\n', 1)[0]!),
    ]),
  )
}

function filterOf(options: FilterOptions): Omit<LetterFilter, 'limit' | 'state'> {
  const [agent, version] = options.agent?.split('@') ?? []
  if (options.id !== undefined && !isDataId(options.id))
    throw usage(`--id ${JSON.stringify(options.id)} is not a data_id: it is a UUID.`, 'millrace dead list shows them.')
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(version === undefined ? {} : { version: numberOf(version, 'The version in --agent') }),
    ...(options.topic === undefined ? {} : { topic: options.topic }),
    ...(options.matching === undefined ? {} : { matching: options.matching }),
    ...(options.id === undefined ? {} : { dataId: options.id }),
  }
}

function stateOf(text: string): { state?: LetterState } {
  if (text === 'any') return {}
  if (text === 'dead' || text === 'replayed' || text === 'done' || text === 'discarded') return { state: text }
  throw usage(`--state is ${JSON.stringify(text)}.`, 'It must be dead, replayed, done, discarded or any.')
}

function numberOf(text: string, what: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw usage(`${what} is ${JSON.stringify(text)}.`, 'It must be a whole number from 1.')
  return number
}

function unknownLetters(what: string): MillraceError {
  return new MillraceError('LETTER_UNKNOWN', what, { fix: 'millrace dead list --state any shows them all.' })
}
