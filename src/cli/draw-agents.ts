import { paint, plain } from './output.ts'
import type { AgentsAnswer } from './overview.ts'
import { lengthText, table } from './table.ts'

/** The table of `millrace agents`, and a line for each that is not well. */
export function drawAgents(agents: AgentsAnswer['agents']): string {
  if (agents.length === 0) return ''
  const rows = table(
    ['AGENT', 'STATE', 'READS', 'DONE', 'DEAD', 'BEHIND', 'LAG', 'HANDLED/S', 'ERRORS/S', 'P50', 'P99', 'BUSY', 'REPLICAS'],
    agents.map(agent => [
      nameOf(agent),
      stateText(agent),
      agent.from.join(', '),
      agent.done,
      agent.dead,
      agent.lag,
      lengthText(agent.lag_seconds * 1_000),
      Math.round(agent.handled_per_second),
      Math.round((agent.dead_per_second + agent.retries_per_second) * 10) / 10,
      timeText(agent.handler_seconds.p50),
      timeText(agent.handler_seconds.p99),
      `${Math.round(agent.busy * 100)} %`,
      replicasText(agent.replicas),
    ]),
  )
  return [rows, ...agents.flatMap(words)].join('\n')
}

type Agent = AgentsAnswer['agents'][number]

function nameOf({ agent, version, shadow }: Agent): string {
  return `${agent}@${version}${shadow === true ? ' (shadow)' : ''}`
}

function stateText(agent: Agent): string {
  const { ramp } = agent
  return ramp === undefined ? lifeText(agent) : `${lifeText(agent)}, ${Math.round(ramp * 100_000) / 1_000} % of the keys`
}

/** How it is, where there is something to say of that; else where it is in its life. */
function lifeText({ state, diagnosis }: Agent): string {
  if (state === 'down') return paint('red', diagnosis === null || diagnosis.state === 'healthy' ? state : diagnosis.state.replace('_', ' '))
  if (diagnosis === null || diagnosis.state === 'healthy') return state
  return paint(WARNINGS.has(diagnosis.state) ? 'yellow' : 'red', diagnosis.state.replace('_', ' '))
}

const WARNINGS: ReadonlySet<string> = new Set(['slow', 'behind', 'paused'])

/** A line for each that is not well. What data and programs have to say is in it, so it is shown plainly. */
function words(agent: Agent): string[] {
  const { state, reason, diagnosis } = agent
  if (diagnosis !== null && diagnosis.state !== 'healthy') {
    const stack = diagnosis.stack === undefined ? [] : diagnosis.stack.split('\n').map(plain)
    return [`${nameOf(agent)}: ${plain(diagnosis.words)}`, ...stack]
  }
  return state === 'down' && reason !== undefined && reason !== null ? [`${nameOf(agent)}: down: ${plain(reason)}`] : []
}

function timeText(seconds: number | null): string {
  return seconds === null ? '' : lengthText(seconds * 1_000)
}

function replicasText(replicas: Agent['replicas']): string {
  if (replicas === null) return ''
  const { of, wanted, threads } = replicas
  return of === 'programs' || threads === wanted ? String(wanted) : `${threads} of ${wanted}`
}
