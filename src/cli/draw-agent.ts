import type { AgentAnswer } from '../console/api/agents.ts'
import { paint, plain } from './output.ts'
import { grouped, lengthText, table } from './table.ts'

type Version = AgentAnswer['versions'][number]

const LINES = 20

/** An agent's versions side by side, and below what each has in hand, its last failures and the end of its log. */
export function drawAgent({ versions }: AgentAnswer, nowMs = Date.now()): string {
  const rows = table(
    ['VERSION', 'STATE', 'DONE', 'DEAD', 'BEHIND', 'HANDLED/S', 'P50', 'P99', 'BUSY', 'REPLICAS', 'MAY'],
    versions.map(version => [
      nameOf(version),
      version.state,
      version.done,
      version.dead,
      Object.values(version.from).reduce((sum, { lag }) => sum + lag, 0),
      Math.round(version.handled_per_second),
      timeText(version.handler_seconds.p50),
      timeText(version.handler_seconds.p99),
      `${Math.round(version.busy * 100)} %`,
      version.replicas === undefined ? '' : String(version.replicas.wanted),
      version.actions.join(', '),
    ]),
  )
  return [rows, ...versions.flatMap(version => detail(version, nowMs))].join('\n')
}

function detail(version: Version, nowMs: number): string[] {
  const { diagnosis, in_hand: inHand, errors, log } = version
  const said = diagnosis === undefined || diagnosis.state === 'healthy' ? [] : [plain(diagnosis.words)]
  const held = inHand.map(
    ({ replica, count, since }) =>
      `replica ${replica} has ${grouped(count)} in hand, the oldest for ${lengthText(nowMs - Date.parse(since))}`,
  )
  const failures = errors.map(
    ({ at, letter, data_id: id, message }) => `${at}  letter ${letter}, ${id}: ${plain(message.split('\n', 1)[0]!)}`,
  )
  const lines = log.slice(-LINES).map(({ at, text }) => `${at}  ${plain(text)}`)
  const parts = [
    ...said,
    ...held,
    ...(failures.length === 0 ? [] : ['Last failures:', ...failures.map(indented)]),
    ...(lines.length === 0 ? [] : ['Log:', ...lines.map(indented)]),
  ]
  return parts.length === 0 ? [] : ['', paint('bold', nameOf(version)), ...parts.map(indented)]
}

function nameOf({ agent, version, shadow }: Version): string {
  return `${agent}@${version}${shadow ? ' (shadow)' : ''}`
}

function indented(line: string): string {
  return `  ${line}`
}

function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '' : lengthText(seconds * 1_000)
}
