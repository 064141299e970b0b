import type { Command } from 'commander'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf } from '../command.ts'
import { untilInterrupted } from '../interrupt.ts'
import { type Operators, operatorsAt, operatorsOf, runningOperators } from '../operators.ts'
import type { Output } from '../output.ts'
import { drawLook } from '../top/draw.ts'
import { follow, type Look } from '../top/follow.ts'
import { Screen } from '../top/screen.ts'
import { configOf } from '../view.ts'

/** What is not drawn on a screen has no edge. */
const ENDLESS = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY }

export function addTop(program: Command): void {
  program
    .command('top')
    .description('how the pipeline stands, live: rates, lag, how each agent is; ends at Ctrl-C')
    .option('--once', 'as it stands now, and no more; so it is where the output is no terminal')
    .option('--url <url>', 'the operators’ listener to look at; without it that of the process on the data directory')
    .action((_options, command: Command) => top(command))
}

async function top(command: Command): Promise<void> {
  const options = optionsOf<{ readonly once?: boolean; readonly url?: string }>(command)
  const output = outputOf(options)
  const { data } = await configOf(options)
  const find = (): Operators | undefined => (options.url === undefined ? operatorsOf(data) : operatorsAt(options.url))
  if (options.url === undefined)
    runningOperators(data, '', 'Start one, or name its data directory with --data, or its operators’ listener with --url.')
  using interrupt = untilInterrupted()
  const looks = follow(find, interrupt.signal)
  if (options.once === true || (!output.json && process.stdout.isTTY !== true)) await once(looks, output)
  else if (output.json) await lines(looks, output)
  else await live(looks)
}

/** @throws SERVER_UNREACHABLE, and does not wait for it. */
async function once(looks: AsyncIterable<Look>, output: Output): Promise<void> {
  for await (const look of looks) {
    if (look.away !== undefined) throw new MillraceError('SERVER_UNREACHABLE', look.away.reason)
    output.answer(look.overview, () => drawLook(look, ENDLESS).join('\n'))
    return
  }
}

/** An overview a line, whenever something has changed. */
async function lines(looks: AsyncIterable<Look>, output: Output): Promise<void> {
  for await (const { overview, away } of looks) {
    if (away !== undefined) output.notice(away.reason)
    else await output.line(JSON.stringify(overview))
  }
}

async function live(looks: AsyncIterable<Look>): Promise<void> {
  using screen = new Screen(process.stdout)
  let last: Look | undefined
  const draw = () => last !== undefined && screen.draw(drawLook(last, screen.size))
  process.stdout.on('resize', draw)
  try {
    for await (const look of looks) {
      last = look
      draw()
    }
  } finally {
    process.stdout.off('resize', draw)
  }
}
