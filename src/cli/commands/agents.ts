import type { Command } from 'commander'
import { optionsOf, outputOf } from '../command.ts'
import { paint, plain } from '../output.ts'
import { type AgentsAnswer, agentsNow, NOTICES } from '../overview.ts'
import { lengthText, table } from '../table.ts'

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
  output.answer({ ...answer, running }, () => draw(answer.agents))
}

function draw(agents: AgentsAnswer['agents']): string {
  if (agents.length === 0) return ''
  return table(
    ['AGENT', 'STATE', 'READS', 'DONE', 'DEAD', 'BEHIND', 'LAG', 'HANDLED/S', 'P99', 'BUSY'],
    agents.map(agent => [
      `${agent.agent}@${agent.version}${agent.shadow === true ? ' (shadow)' : ''}`,
      `${stateText(agent.state, agent.reason)}${agent.ramp === undefined ? '' : `, ${Math.round(agent.ramp * 100_000) / 1_000} % of the keys`}`,
      agent.from.join(', '),
      agent.done,
      agent.dead,
      agent.lag,
      lengthText(agent.lag_seconds * 1_000),
      Math.round(agent.handled_per_second),
      agent.handler_seconds.p99 === null ? '' : lengthText(agent.handler_seconds.p99 * 1_000),
      `${Math.round(agent.busy * 100)} %`,
    ]),
  )
}

function stateText(state: string, reason: string | undefined): string {
  if (state !== 'down') return state
  return paint('red', reason === undefined || reason === null ? state : `${state}: ${plain(reason)}`)
}
