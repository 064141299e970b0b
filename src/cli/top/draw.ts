import type { AgentNode, Overview } from '../../console/api/overview.ts'
import { paint, plain } from '../output.ts'
import { grouped, lengthText, table } from '../table.ts'
import type { Look } from './follow.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** The screen's lines, none longer than it is wide, and not more than it has. Those agents come first that are not well. */
export function drawLook({ overview, away }: Look, size: Size): string[] {
  const notice = away === undefined ? [] : [paint('red', plain(`No answer since ${clockText(away.sinceMs)}: ${away.reason} Trying again.`))]
  const body = overview === undefined ? [] : [...headOf(overview), '', ...topicsOf(overview), '', ...agentsOf(overview)]
  const lines = [...notice, ...body].map(line => cutTo(line, size.columns))
  if (lines.length <= size.rows) return lines
  const more = lines.length - size.rows + 1
  return [...lines.slice(0, size.rows - 1), cutTo(paint('dim', `… and ${grouped(more)} lines more: make the window taller.`), size.columns)]
}

function headOf({
  pipeline = 'Millrace',
  at,
  ready,
  reasons,
  front_end: front,
  dead_letters: letters,
  advice,
  slos_missed: missed,
}: Overview) {
  const state = ready ? paint('green', 'ready') : paint('red', plain(`not ready: ${reasons.join('; ')}`))
  const rates = [
    `accepted ${rateText(front.accepted_per_second)}/s`,
    `duplicate ${rateText(front.duplicate_per_second)}/s`,
    `rejected ${rateText(front.rejected_per_second)}/s`,
    `retry ${rateText(front.retry_per_second)}/s`,
    `${rateText(front.bytes_per_second / 1_000)} kB/s`,
  ]
  const calls = [
    warned(letters, `${counted(letters, 'dead letter')}${letters === 0 ? '' : ' (millrace dead groups)'}`),
    warned(advice, `${counted(advice, 'piece of advice', 'pieces of advice')}${advice === 0 ? '' : ' (millrace advise)'}`),
    warned(missed, `${counted(missed, 'objective')} missed${missed === 0 ? '' : ' (millrace slo)'}`),
  ]
  return [`${paint('bold', plain(pipeline))}  ${state}  ${paint('dim', clockText(Date.parse(at)))}`, rates.join('  '), calls.join('  ')]
}

function topicsOf({ topics }: Overview): string[] {
  const rows = Object.entries(topics).map(([name, topic]) => [
    plain(name),
    rateText(topic.in_per_second),
    topic.retained,
    topic.partitions,
    topic.entry ? 'producers' : '',
  ])
  return rows.length === 0 ? [] : table(['TOPIC', 'IN/S', 'RETAINED', 'PARTITIONS', 'FROM'], rows).split('\n')
}

function agentsOf({ agents }: Overview): string[] {
  const all = Object.values(agents).filter(({ state }) => !GONE.has(state))
  const sorted = all.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)) || nameOf(a).localeCompare(nameOf(b)))
  if (sorted.length === 0) return []
  const rows = sorted.map(agent => {
    const readings = Object.values(agent.from)
    return [
      plain(nameOf(agent)),
      stateText(agent),
      plain(Object.keys(agent.from).join(', ')),
      rateText(agent.handled_per_second),
      rateText(agent.outputs_per_second),
      readings.reduce((sum, { lag }) => sum + lag, 0),
      lengthText(Math.max(0, ...readings.map(({ lag_seconds }) => lag_seconds)) * 1_000),
      percentText(Math.max(0, ...readings.map(({ full }) => full))),
      percentText(agent.busy),
      spanText(agent.handler_seconds.p50),
      spanText(agent.handler_seconds.p99),
      agent.in_flight,
      agent.dead,
    ]
  })
  const heads = ['AGENT', 'STATE', 'READS', 'DONE/S', 'OUT/S', 'BEHIND', 'OLDEST', 'FULL', 'BUSY', 'P50', 'P99', 'IN HAND', 'DEAD']
  const words = sorted.flatMap(agent =>
    isWell(agent) || agent.diagnosis === undefined ? [] : [plain(`${nameOf(agent)}: ${agent.diagnosis.words}`)],
  )
  return [...table(heads, rows).split('\n'), ...(words.length === 0 ? [] : ['', ...words])]
}

/** They have a place still, and nothing happens there. */
const GONE: ReadonlySet<AgentNode['state']> = new Set(['replaced', 'decommissioned', 'promoted', 'removed'])
const MILD: ReadonlySet<string> = new Set(['slow', 'behind', 'paused'])

function isWell({ state, diagnosis }: AgentNode): boolean {
  return state !== 'down' && (diagnosis === undefined || diagnosis.state === 'healthy')
}

function stateText(agent: AgentNode): string {
  const { state, diagnosis } = agent
  if (isWell(agent)) return state
  const text = diagnosis === undefined || diagnosis.state === 'healthy' ? state : diagnosis.state.replace('_', ' ')
  return paint(MILD.has(text) ? 'yellow' : 'red', text)
}

function nameOf({ agent, version, shadow }: AgentNode): string {
  return `${agent}@${version}${shadow ? ' (shadow)' : ''}`
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

function warned(count: number, text: string): string {
  return count === 0 ? text : paint('yellow', text)
}

/** 4,210; 12.3; 0.05. */
function rateText(perSecond: number): string {
  return grouped(Number(perSecond.toPrecision(perSecond >= 100 ? Math.ceil(Math.log10(perSecond)) : 2)))
}

function percentText(share: number): string {
  return `${Math.round(share * 100)} %`
}

function spanText(seconds: number | undefined): string {
  return seconds === undefined ? '' : lengthText(seconds * 1_000)
}

function clockText(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that paint() gives are what is looked for
const PIECES = /\x1b\[[0-9;]*m|./gu

/** A line cut to a width; colours take no room, and end with it. */
export function cutTo(line: string, columns: number): string {
  let width = 0
  let text = ''
  for (const [piece] of line.matchAll(PIECES)) {
    if (piece.startsWith('\x1b')) text += piece
    else if (++width <= columns) text += piece
  }
  return text
}
