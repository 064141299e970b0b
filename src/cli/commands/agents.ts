import type { Command } from 'commander'
import { optionsOf, outputOf } from '../command.ts'
import { drawAgents } from '../draw-agents.ts'
import { agentsNow, NOTICES } from '../overview.ts'

export function addAgents(program: Command): void {
  program
    .command('agents')
    .description('the agents: state, what they did, how far behind they are')
    .action((_options, command: Command) => agents(command))
}

async function agents(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const { running, source, answer } = await agentsNow(options)
  if (!output.json && answer.agents.length === 0) output.notice('No agent has run yet.')
  if (!output.json && source !== undefined) output.notice(NOTICES[source])
  output.answer({ ...answer, running }, () => drawAgents(answer.agents))
  if (output.json) return
  for (const { agent, version, letters_expired: expired } of answer.agents)
    if (expired > 0) output.notice(`${expired} dead letters of ${agent}@${version} have expired: millrace dead list --state expired`)
}
