import type { Command } from 'commander'
import { shownAgent } from '../../agents/shadow.ts'
import { type Ledger, ledgerToJson, readLedger } from '../../instrumentation/ledger.ts'
import { optionsOf, outputOf } from '../command.ts'
import { EXIT } from '../exit.ts'
import { lengthText, table } from '../table.ts'
import { withView } from '../view.ts'

export function addLedger(program: Command): void {
  program
    .command('ledger')
    .description('what every agent was given and what became of it: nothing may be missing')
    .addHelpText('after', '\nExit code 1 where it does not balance: committed − first = done + dead + duplicate + lost.')
    .action((_options, command: Command) => ledger(command))
}

async function ledger(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const found = await withView(options, view => readLedger(view, Date.now()))
  output.answer(ledgerToJson(found), () => draw(found))
  if (!output.json) output.notice(found.balanced ? 'The ledger balances.' : 'THE LEDGER DOES NOT BALANCE: see the rows with a gap.')
  if (!found.balanced) process.exitCode = EXIT.failed
}

function draw(ledger: Ledger): string {
  if (ledger.rows.length === 0) return ''
  const headings = ['AGENT', 'TOPIC', 'PARTITION', 'FIRST', 'COMMITTED', 'DONE', 'DEAD', 'DUPLICATE', 'LOST', 'GAP', 'BEHIND', 'LAG']
  const rows = ledger.rows.map(row => [
    row.replacedBy === undefined ? shownAgent(row) : `${row.group} (now ${row.replacedBy})`,
    row.topic,
    row.partition,
    row.first,
    row.committed,
    row.done,
    row.dead,
    row.duplicate,
    row.lost,
    row.gap,
    row.behind,
    lengthText(row.lagMs),
  ])
  return table(headings, rows)
}
