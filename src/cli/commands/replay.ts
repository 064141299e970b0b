import { confirm, isCancel } from '@clack/prompts'
import type { Command } from 'commander'
import { replayTopic } from '../../agents/dead-letter.ts'
import { Pace } from '../../agents/pace.ts'
import { type Chosen, ReplayReader, type ReplayRecord } from '../../agents/replay-log.ts'
import { shownAgent } from '../../agents/shadow.ts'
import { systemClock } from '../../clock.ts'
import { replayFate, replayToJson } from '../../console/replays.ts'
import type { EngineView } from '../../engine/engine.ts'
import { MillraceError } from '../../errors.ts'
import type { AgentVersion } from '../../trace/trace.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { EXIT } from '../exit.ts'
import { untilInterrupted } from '../interrupt.ts'
import { type Output, plain } from '../output.ts'
import { parseRate } from '../rate.ts'
import { agentGiven, agentMeant, type Replayable } from '../replay/agent.ts'
import { type ChoiceOptions, choose } from '../replay/choice.ts'
import { type ReplayDesk, withReplayDesk } from '../replay/desk.ts'
import { drawPlan, fatesText, planToJson } from '../replay/draw.ts'
import { countLetters, replayLetters } from '../replay/letters.ts'
import { planOf } from '../replay/plan.ts'
import { type Ran, runReplay } from '../replay/run.ts'
import { grouped, table, timeText } from '../table.ts'
import { Progress } from '../transfer/progress.ts'
import { withView } from '../view.ts'

interface ReplayOptions extends Shared, ChoiceOptions {
  readonly rate: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly resume?: string
  readonly dead?: boolean
}

export function addReplay(program: Command): void {
  const replay = program
    .command('replay')
    .description('give an agent data of its topics again: what it has done is left out')
    .argument('[agent]', 'forecast, or forecast@2')
    .option('--from <when>', 'appended from then on: earliest, latest, a time (2026-01-31T08:00:00Z), or so long ago (10m)')
    .option('--to <when>', 'appended before then')
    .option('--key <key>', 'of this key')
    .option('--ids <data_ids>', 'these data, separated by commas')
    .option('--topic <name>', 'of this one of its topics')
    .option('--dead', 'its dead letters, in place of data of its topics')
    .option('--rate <count/s>', 'at most so many a second', '1000/s')
    .option('--dry-run', 'say what would be replayed, and replay nothing')
    .option('--yes', 'without asking')
    .option('--resume <replay>', 'go on with one that was interrupted')
    .action((agent: string | undefined, _options, command: Command) => replayCommand(agent, command))
  replay
    .command('list')
    .description('who replayed what, and how far it is')
    .action((_options, command: Command) => list(command))
}

async function replayCommand(given: string | undefined, command: Command): Promise<void> {
  const options = optionsOf<ReplayOptions>(command)
  const output = outputOf(options)
  const perSecond = parseRate(options.rate)
  if (options.resume !== undefined) {
    const number = numberOf(options.resume)
    await withReplayDesk(options, async desk => run(desk, await resumed(desk.view, number), perSecond, output))
    return
  }
  if (given === undefined) throw usage('replay needs an agent.', 'Name it: millrace replay forecast@2 --from 1h')
  if (options.dead === true) {
    await replayDead(given, options, perSecond, output)
    return
  }
  if (options.dryRun === true) {
    await withView(options, async view => {
      const { agent, chosen } = await asked(view, given, options)
      const plan = await planOf(view, agent, chosen)
      output.answer({ dry_run: true, ...planToJson(agent, chosen, plan) }, () => drawPlan(agent, chosen, plan))
    })
    return
  }
  await withReplayDesk(options, async desk => {
    const { agent, chosen } = await asked(desk.view, given, options)
    if (options.yes !== true) {
      const plan = await planOf(desk.view, agent, chosen)
      output.notice(drawPlan(agent, chosen, plan))
      await ask(output)
    }
    const replay = await desk.begin({ agent: agent.agent, chosen, perSecond })
    await run(desk, await new ReplayReader(desk.view).one(replay), perSecond, output)
  })
}

async function asked(view: EngineView, given: string, options: ReplayOptions): Promise<{ agent: Replayable; chosen: Chosen }> {
  const agent = await agentGiven(given, view)
  const chosen = await choose(view, agent, options, systemClock.now())
  if (chosen.ranges.length === 0)
    throw new MillraceError('DATUM_UNKNOWN', `There are no such data: ${chosen.words}.`, { fix: 'Look at what there is: millrace topics' })
  return { agent, chosen }
}

/** Where its version has been replaced since, nobody reads what waited in its replay topic: it begins anew, and what is done is left out. */
async function resumed(view: EngineView, number: number): Promise<ReplayRecord> {
  const record = await new ReplayReader(view).one(number)
  if (record.chosen.ranges.length === 0)
    throw usage(
      `The replay ${number} was of dead letters, which say themselves how far it is.`,
      `Begin again: millrace replay ${nameOf(record.agent)} --dead`,
    )
  const standings = await view.standings()
  if (replayFate(record, standings) === 'complete') throw usage(`The replay ${number} has come to its end.`, 'Begin another.')
  const { agent } = await agentGiven(nameOf(record.agent), view)
  if (record.put === undefined || record.put.topic === replayTopic(agent)) return record
  return { ...record, at: { range: 0, offset: record.chosen.ranges[0]?.first ?? 0 } }
}

async function run(desk: ReplayDesk, record: ReplayRecord, perSecond: number, output: Output): Promise<void> {
  const name = nameOf(record.agent)
  await carryOut(desk, record, perSecond, output, `millrace replay --resume ${record.replay}`, (pace, moved) =>
    runReplay(record, {
      desk,
      clock: systemClock,
      pace,
      put: put => moved(Object.values(put).reduce((sum, count) => sum + count, 0)),
      stalled: () => output.notice(`${name} takes none of it: is it running? It goes on as soon as it does.`),
    }),
  )
}

/** Dead letters of an agent, as a replay of its own. */
async function replayDead(given: string, options: ReplayOptions, perSecond: number, output: Output): Promise<void> {
  const { from, to, key, ids, topic } = options
  if ([from, to, key, ids, topic].some(flag => flag !== undefined))
    throw usage('--dead is all dead letters of the agent.', 'For some of them: millrace dead replay, with a filter.')
  const read = async (view: EngineView) => {
    const agent = agentMeant(given, await view.standings())
    return { agent, count: await countLetters({ view }, agent) }
  }
  const sentence = ({ agent, count }: { agent: Replayable; count: number }) =>
    `${grouped(count)} dead letters of ${nameOf(agent.agent)} ${options.dryRun === true ? 'would be' : 'are to be'} replayed.`
  if (options.dryRun === true) {
    const found = await withView(options, read)
    output.answer({ dry_run: true, agent: found.agent.agent.name, version: found.agent.agent.version, letters: found.count }, () =>
      sentence(found),
    )
    return
  }
  await withReplayDesk(options, async desk => {
    const found = await read(desk.view)
    if (options.yes !== true) {
      output.notice(sentence(found))
      await ask(output)
    }
    const { agent } = found
    const chosen = { words: 'its dead letters', ranges: [] }
    const replay = await desk.begin({ agent: agent.agent, chosen, perSecond })
    const record = await new ReplayReader(desk.view).one(replay)
    await carryOut(desk, record, perSecond, output, `millrace replay ${given} --dead`, (pace, moved) =>
      replayLetters(desk, agent, pace, moved),
    )
  })
}

/** Runs a replay that was begun, says how far it is, and writes down how it ended. */
async function carryOut(
  desk: ReplayDesk,
  record: ReplayRecord,
  perSecond: number,
  output: Output,
  goOn: string,
  work: (pace: Pace, moved: (count: number) => void) => Promise<Ran>,
): Promise<void> {
  const { replay, agent, chosen } = record
  using interrupt = untilInterrupted()
  if (!output.json)
    output.notice(`Replay ${replay}: ${plain(chosen.words)} to ${shownAgent(agent)}, at most ${grouped(perSecond)} a second.`)
  const progress = new Progress('looked at', positionsLeft(record))
  let ran: Ran
  try {
    ran = await work(new Pace(perSecond, systemClock, interrupt.signal), count => progress.moved(count))
  } catch (error) {
    // What was put is written down; the error says the rest.
    output.notice(`It has not come to its end. To go on: ${goOn}`)
    throw error
  } finally {
    progress.end()
  }
  const { fates, complete } = ran
  // Data were counted as they were put.
  await desk.end(replay, complete, chosen.ranges.length === 0 ? fates : undefined)
  output.answer({ replay, agent: agent.name, version: agent.version, complete, ...fates }, () => fatesText(fates))
  if (complete) {
    if (!output.json && fates.replayed > 0) output.notice('What fails is a dead letter again: millrace dead groups')
    return
  }
  output.notice(`Interrupted before the end. To go on: ${goOn}`)
  process.exitCode = EXIT.interrupted
}

function nameOf({ name, version }: AgentVersion): string {
  return `${name}@${version}`
}

function positionsLeft({ chosen, at }: ReplayRecord): number | undefined {
  // Of a key's data nobody knows how many there are.
  if (chosen.key !== undefined || chosen.ranges.length === 0) return undefined
  return chosen.ranges.slice(at.range).reduce((sum, { first, end }, i) => sum + end - (i === 0 ? Math.max(first, at.offset) : first), 0)
}

async function ask(output: Output): Promise<void> {
  if (!output.interactive) throw usage('There is no terminal to ask whether this is meant.', 'Add --yes, or --dry-run to look at it first.')
  const sure = await confirm({ message: 'Replay them?', initialValue: false, output: process.stderr })
  if (isCancel(sure) || !sure) throw new MillraceError('USAGE', 'Nothing was replayed.')
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const replays = await withView(options, async view => {
    const [records, standings] = await Promise.all([new ReplayReader(view).all(), view.standings()])
    return records.map(record => ({ record, json: replayToJson(record, standings) }))
  })
  output.answer({ replays: replays.map(({ json }) => json) }, () => drawList(replays))
  if (!output.json && replays.length === 0)
    output.notice('Nothing has been replayed yet, but for dead letters: millrace dead list --state any')
}

function drawList(replays: readonly { readonly record: ReplayRecord; readonly json: Record<string, unknown> }[]): string {
  if (replays.length === 0) return ''
  return table(
    ['REPLAY', 'AGENT', 'STARTED', 'BY', 'STATE', 'UNREAD', 'WHAT', 'RESULT'],
    replays.map(({ record, json }) => [
      record.replay,
      shownAgent(record.agent),
      timeText(record.startedMs),
      plain(record.by),
      String(json.state),
      Number(json.unread),
      plain(record.chosen.words),
      fatesText(record.fates),
    ]),
  )
}

function numberOf(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw usage(`--resume is ${JSON.stringify(text)}.`, 'It must be the number of a replay: millrace replay list')
}
