import type { AgentNode } from '../../../api/overview.ts'

export type Condition = 'attention' | 'working' | 'paused' | 'elsewhere' | 'over'

/** In the order in which one looks at them. */
export const CONDITIONS: readonly { readonly condition: Condition; readonly title: string }[] = [
  { condition: 'attention', title: 'Needs attention' },
  { condition: 'working', title: 'Working' },
  { condition: 'paused', title: 'Paused' },
  { condition: 'elsewhere', title: 'In other processes' },
  { condition: 'over', title: 'Over' },
]

/** Where an agent stands in the list: what is wrong with it comes before what it is doing. */
export function conditionOf({ state, diagnosis }: Pick<AgentNode, 'state' | 'diagnosis'>): Condition {
  if (['replaced', 'decommissioned', 'promoted', 'removed'].includes(state)) return 'over'
  if (state === 'paused') return 'paused'
  if (state === 'elsewhere') return 'elsewhere'
  if (state === 'down') return 'attention'
  return diagnosis === undefined || ['healthy', 'paused'].includes(diagnosis.state) ? 'working' : 'attention'
}

/** The colour and the word for how an agent is. */
export function toneOf(node: Pick<AgentNode, 'state' | 'diagnosis'>): {
  readonly tone: 'good' | 'warn' | 'bad' | ''
  readonly word: string
} {
  const { state, diagnosis } = node
  if (state === 'down') return { tone: 'bad', word: 'down' }
  if (state !== 'running' && state !== 'draining') return { tone: state === 'paused' ? 'warn' : '', word: state }
  const draining = state === 'draining' ? 'draining' : undefined
  if (diagnosis === undefined || diagnosis.state === 'healthy')
    return { tone: draining === undefined ? 'good' : 'warn', word: draining ?? 'healthy' }
  const isBad = ['hung', 'poisoned', 'no_process', 'blocked'].includes(diagnosis.state)
  return { tone: isBad ? 'bad' : 'warn', word: diagnosis.state.replaceAll('_', ' ') }
}

/** Of all topics that an agent reads. */
export function lagOf({ from }: Pick<AgentNode, 'from'>): { readonly data: number; readonly seconds: number } {
  const readings = Object.values(from)
  return {
    data: readings.reduce((sum, { lag }) => sum + lag, 0),
    seconds: Math.max(0, ...readings.map(reading => reading.lag_seconds)),
  }
}

export function lagText(
  { data, seconds }: ReturnType<typeof lagOf>,
  texts: { count(n: number): string; seconds(n: number): string },
): string {
  return data === 0 ? 'none' : `${texts.count(data)}, ${texts.seconds(seconds)}`
}
