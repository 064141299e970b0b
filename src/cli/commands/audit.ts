import type { Command } from 'commander'
import type { Audited } from '../../console/api/session.ts'
import { readAudit } from '../../console/audit.ts'
import { optionsOf, outputOf, usage } from '../command.ts'
import { plain } from '../output.ts'
import { table } from '../table.ts'
import { withView } from '../view.ts'

const MAX_LIMIT = 100_000

export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('what was done on the operators’ listener, by whom, when and from where; the newest first')
    .option('--limit <count>', 'at most so many', '50')
    .action((_options, command: Command) => audit(command))
}

async function audit(command: Command): Promise<void> {
  const options = optionsOf<{ limit: string }>(command)
  const output = outputOf(options)
  const limit = Number(options.limit)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw usage(`--limit is ${JSON.stringify(options.limit)}.`, `It must be a whole number from 1 to ${MAX_LIMIT}.`)
  const actions = await withView(options, view => readAudit(view, limit))
  output.answer({ actions }, () => draw(actions))
  if (!output.json && actions.length === 0) output.notice('Nothing was done yet, or it is longer ago than the audit log is kept (90 days).')
}

function draw(actions: readonly Audited[]): string {
  if (actions.length === 0) return ''
  return plain(
    table(
      ['TIME', 'USER', 'ROLE', 'FROM', 'STATUS', 'ACTION', 'WHAT'],
      actions.map(({ at, user, role, from, status, action, what }) => [at, user, role ?? '-', from, String(status), action, what]),
    ),
  )
}
