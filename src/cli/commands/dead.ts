import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { confirm, isCancel } from '@clack/prompts'
import type { Command } from 'commander'
import type { Selection } from '../../agents/change-letters.ts'
import { deadLetters, groupLetters } from '../../agents/letter-groups.ts'
import { Pace } from '../../agents/pace.ts'
import { systemClock } from '../../clock.ts'
import { groupToJson, letterToJson, shownLetter } from '../../console/letters.ts'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { type Changed, changeShown } from '../dead/change.ts'
import { type Change, withDesk } from '../dead/desk.ts'
import { drawGroups, drawLetters } from '../dead/draw.ts'
import { type FilterOptions, filterFlags, filterOf, numberOf, stateOf, unknownLetters } from '../dead/filter.ts'
import { cancelHere, drawReplays, drawTried, replaysHere, tryHere } from '../dead/replays.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { parseRate } from '../rate.ts'
import { Progress } from '../transfer/progress.ts'
import { withView } from '../view.ts'

interface ListOptions extends FilterOptions {
  readonly state: string
  readonly limit: string
}
interface ChangeOptions extends FilterOptions {
  readonly all?: boolean
  readonly yes?: boolean
  readonly rate?: string
  readonly dryRun?: boolean
  readonly using?: string
  readonly limit?: string
}
interface EditOptions extends Shared {
  readonly contentType?: string
  readonly using?: string
}

export function addDead(program: Command): void {
  const dead = program.command('dead').description('dead letters: data that an agent could not handle, kept with the reason')
  filterFlags(dead.command('groups').description('those that are dead, by how they failed, the most frequent first')).action(
    (_options, command: Command) => groups(command),
  )
  filterFlags(dead.command('list').description('the newest first'))
    .option('--state <state>', 'dead, replayed, done, discarded, expired or any', 'dead')
    .option('--limit <count>', 'at most so many', '50')
    .action((_options, command: Command) => list(command))
  dead
    .command('show')
    .description('one, with its datum and its error')
    .argument('<letter>', 'its number')
    .action((letter: string, _options, command: Command) => show(letter, command))
  dead
    .command('edit')
    .description("change a dead letter's datum, for its next replay; its id stays, and so does what died")
    .argument('<letter>', 'its number')
    .argument('<file>', 'the file with the datum as it should be; - for stdin')
    .option('--content-type <type>', 'where it is another than before')
    .option('--using <file>', "the pipeline's file, whose schemas check the datum; where a process runs here, it checks")
    .action((letter: string, file: string, _options, command: Command) => edit(letter, file, command))
  filterFlags(dead.command('replay').description('give data to their agents again: some by number, those that match, or all'))
    .argument('[letters...]', 'their numbers')
    .option('--all', 'all that are dead')
    .option('--rate <count/s>', 'at most so many a second, such as 100/s (default: as many as can be)')
    .option('--dry-run', 'replay nothing: show which there are; with --using, what their handlers would make of them')
    .option('--using <file>', "--dry-run: the pipeline's file, whose handlers are tried")
    .option('--limit <count>', '--dry-run --using: at most so many are tried', '20')
    .action((letters: string[], _options, command: Command) => change('replay', letters, command))
  dead
    .command('try')
    .description("what a letter's agent would make of its datum, or of another in its place: by the process that runs here, kept nowhere")
    .argument('<letter>', 'its number')
    .argument('[file]', 'the file with the other datum; - for stdin')
    .option('--content-type <type>', 'of the other datum, where it is another than before')
    .action((letter: string, file: string | undefined, _options, command: Command) => attempt(letter, file, command))
  dead
    .command('replays')
    .description('the replays that the process here does by itself, as the console began them')
    .action((_options, command: Command) => replays(command))
  dead
    .command('cancel')
    .description('end one of those replays where it stands; what was not replayed is still dead')
    .argument('<replay>', 'its number')
    .action((replay: string, _options, command: Command) => cancel(replay, command))
  filterFlags(dead.command('discard').description('give data up for good'))
    .argument('[letters...]', 'their numbers')
    .option('--all', 'all that are dead')
    .option('--yes', 'without asking')
    .action((letters: string[], _options, command: Command) => change('discard', letters, command))
}

async function groups(command: Command): Promise<void> {
  const options = optionsOf<FilterOptions>(command)
  const output = outputOf(options)
  const found = await withView(options, view => groupLetters(view.letters, filterOf(options)))
  output.answer({ groups: found.map(groupToJson) }, () => drawGroups(found))
  if (!output.json)
    output.notice(found.length === 0 ? 'There are no such dead letters.' : 'One of them, with its datum: millrace dead show <example>')
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<ListOptions>(command)
  const output = outputOf(options)
  const { fingerprint, ...filter } = filterOf(options)
  const state = stateOf(options.state)
  const limit = numberOf(options.limit, '--limit')
  if (fingerprint !== undefined && state !== 'dead') throw usage('--group is of letters that are dead.', 'Leave --state out.')
  const letters = await withView(options, async view => {
    if (fingerprint === undefined) return view.letters.list({ ...filter, ...(state === undefined ? {} : { state }), limit })
    const newest = []
    for await (const page of deadLetters(view.letters, { ...filter, fingerprint })) newest.splice(0, newest.push(...page) - limit)
    return newest.reverse()
  })
  output.answer({ letters: letters.map(letterToJson) }, () => drawLetters(letters))
  if (!output.json && letters.length === 0) output.notice('There are no such dead letters.')
}

async function show(given: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const number = numberOf(given, 'The letter')
  const json = await withView(options, view => shownLetter(view.letters, number))
  if (json === undefined) throw unknownLetters(`There is no dead letter ${number}.`)
  output.answer(json, () => JSON.stringify(json, null, 2))
}

async function edit(given: string, file: string, command: Command): Promise<void> {
  const options = optionsOf<EditOptions>(command)
  const output = outputOf(options)
  const letter = numberOf(given, 'The letter')
  const data = await readDatum(file)
  const { contentType, using } = options
  const edited = await withDesk(options, desk => desk.edit({ letter, data, contentType, using }))
  if (!edited)
    throw unknownLetters(
      `The letter ${letter} is not dead any more, or its datum is on its way to the agent as it was: it cannot be edited.`,
      'Look at it: millrace dead list --state any. If it stays dead, a replay was cut off: replay it again, and edit it if that fails.',
    )
  output.answer({ edited: [letter] }, () => `edited ${letter}`)
  if (!output.json) output.notice(`Its next replay gives its agent this datum: millrace dead replay ${letter}`)
}

async function attempt(given: string, file: string | undefined, command: Command): Promise<void> {
  const options = optionsOf<{ readonly contentType?: string } & Shared>(command)
  const output = outputOf(options)
  const edited = file === undefined ? undefined : { data: await readDatum(file), contentType: options.contentType }
  const tried = await tryHere(options, numberOf(given, 'The letter'), edited)
  output.answer(tried, () => drawTried(tried))
  if (!output.json && tried.without_past)
    output.notice(`${tried.agent} keeps a window or a state: it was tried without any past but the datum itself.`)
  if (tried.outcome !== 'outputs') process.exitCode = EXIT.partly
}

async function replays(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const found = await replaysHere(options)
  output.answer({ replays: found }, () => drawReplays(found))
  if (!output.json && found.length === 0) output.notice('The process that runs here has replayed no letters by itself.')
}

async function cancel(given: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const ended = await cancelHere(options, numberOf(given, 'The replay'))
  output.answer(ended, () => drawReplays([ended]))
}

/** The bytes as they are, but for the line break that editors end a file with. */
async function readDatum(file: string): Promise<Buffer> {
  try {
    const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file)
    return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
    throw new MillraceError('FILE_MISSING', `There is no file ${file}.`, { cause })
  }
}

async function change(what: Change, given: readonly string[], command: Command): Promise<void> {
  const options = optionsOf<ChangeOptions>(command)
  const output = outputOf(options)
  const selection = selectionOf(what, given, options)
  if (options.dryRun === true) {
    const { listWhatWouldBe, tryHandlers } = await import('../dead/trial.ts')
    const { using, limit = '20' } = options
    await withView(options, view =>
      using === undefined
        ? listWhatWouldBe(view, selection, output)
        : tryHandlers(view, selection, using, numberOf(limit, '--limit'), output),
    )
    return
  }
  if (what === 'discard' && options.yes !== true) await ask(output)
  const rate = options.rate === undefined ? Number.POSITIVE_INFINITY : parseRate(options.rate)
  using interrupt = untilInterrupted()
  const progress = new Progress(doneWord(what))
  const result = await withDesk(options, desk =>
    changeShown(desk, what, selection, new Pace(rate, systemClock, interrupt.signal), progress),
  ).finally(() => progress.end())
  say(output, what, result)
  if (!result.complete) {
    output.notice('Interrupted before the end. Run it again for the rest.')
    process.exitCode = EXIT.interrupted
    return
  }
  if ('letters' in selection && result.changed.length === 0)
    throw unknownLetters(`None of ${selection.letters.join(', ')} is a dead letter that is still dead.`)
  if (result.refused.length > 0) process.exitCode = EXIT.partly
}

function selectionOf(what: Change, given: readonly string[], options: ChangeOptions): Selection {
  const letters = given.map(text => numberOf(text, 'The letter'))
  const filter = filterOf(options)
  const filtered = Object.keys(filter).length > 0
  if ([letters.length > 0, filtered, options.all === true].filter(Boolean).length !== 1)
    throw usage(
      `dead ${what} needs to know which letters.`,
      `Give their numbers, or a filter (--agent, --topic, --matching, --id, --group), or --all: one of the three.`,
    )
  return letters.length > 0 ? { letters } : { filter }
}

async function ask(output: Output): Promise<void> {
  if (!output.interactive) throw usage('Discarded data are gone for good, and there is no terminal to ask.', 'Add --yes.')
  const sure = await confirm({ message: 'Discarded data are gone for good. Discard them?', initialValue: false, output: process.stderr })
  if (isCancel(sure) || !sure) throw new MillraceError('USAGE', 'Nothing was discarded.')
}

function say(output: Output, what: Change, { changed, refused }: Changed): void {
  const done = doneWord(what)
  output.answer({ [done]: changed, refused }, () => changed.join('\n'))
  // Letters that were named and not found are an error, which says it all.
  if (output.json || (changed.length === 0 && refused.length > 0)) return
  output.notice(`${changed.length} ${done}${refused.length === 0 ? '' : `; not dead any more, or never there: ${refused.join(', ')}`}.`)
  if (what === 'replay' && changed.length > 0) output.notice('What fails again is dead again: millrace dead groups')
}

function doneWord(what: Change): 'replayed' | 'discarded' {
  return what === 'replay' ? 'replayed' : 'discarded'
}
