import type { Command } from 'commander'
import type { AgentAnswer } from '../../console/api/agents.ts'
import { optionsOf, outputOf } from '../command.ts'
import { drawAgent } from '../draw-agent.ts'
import { drawAgents } from '../draw-agents.ts'
import { askOperators, runningOperators } from '../operators.ts'
import { agentsNow, NOTICES } from '../overview.ts'
import { configOf } from '../view.ts'

export function addAgents(program: Command): void {
  program
    .command('agents')
    .description('the agents: state, what they did, how far behind they are; of one, what it has in hand, its failures and its log')
    .argument('[agent]', 'forecast, or forecast@2')
    .action((agent: string | undefined, _options, command: Command) => (agent === undefined ? agents(command) : one(agent, command)))
}

async function one(agent: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const { data } = await configOf(options)
  const operators = runningOperators(
    data,
    ` that could say more of ${agent}`,
    'Name the data directory of one that runs with --data; millrace agents shows how all of them stood.',
  )
  // Our own API: docs/instrumentation.md.
  const answer = (await askOperators(operators, `/v1/agents/${encodeURIComponent(agent)}`)) as AgentAnswer
  output.answer(answer, () => drawAgent(answer))
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
