import type { Decision } from '../../../api/advice.ts'
import { countText, percentText, secondsText } from '../../parts/numbers.ts'

const DECISIONS: Readonly<Record<Decision, string>> = {
  add_replicas: 'Add replicas',
  add_partitions: 'Add partitions',
  re_engineer: 'Re-engineer',
  scale_front_end: 'Scale the front end',
  mend: 'Mend',
  wait: 'Wait',
}

export function decisionWords(decision: Decision): string {
  return DECISIONS[decision]
}

/** What was measured, for people: what it is, and its value with the unit that its name has. */
export function evidenceText(name: string, value: number): [string, string] {
  if (name === 'lag_seconds') return ['Oldest waits', secondsText(value)]
  if (name === 'seconds_per_datum') return ['Busy for each datum', secondsText(value)]
  const [, of = name, unit = ''] = /^(.+)_(share|per_second|seconds)$/.exec(name) ?? []
  return [spaced(of), TEXTS[unit]?.(value) ?? countText(value)]
}

const TEXTS: Readonly<Record<string, (value: number) => string>> = {
  share: percentText,
  per_second: value => `${countText(value)}/s`,
  seconds: secondsText,
}

function spaced(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

/** Whether a step is typed into a terminal; others are written into the pipeline's file. */
export function isCommand(step: string): boolean {
  return /^(millrace|npx|kubectl|helm|docker) /.test(step)
}

/** The name of the agent that advice is about; undefined where it is about the front end. */
export function agentNameIn(about: string): string | undefined {
  return /^(?:_shadow\.)?(.+)@\d+$/.exec(about)?.[1]
}
