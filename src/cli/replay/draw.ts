import { FATES, type Fates } from '../../agents/replay.ts'
import type { Chosen } from '../../agents/replay-log.ts'
import { plain } from '../output.ts'
import { grouped, timeText } from '../table.ts'
import type { Replayable } from './agent.ts'
import type { Plan } from './plan.ts'

export function planToJson({ agent }: Replayable, chosen: Chosen, plan: Plan): Record<string, unknown> {
  const { examples, ...counts } = plan
  return {
    agent: agent.name,
    version: agent.version,
    what: chosen.words,
    ...counts,
    examples: examples.map(({ dataId, appendedMs, text, key, ...at }) => ({
      data_id: dataId,
      ...at,
      key: key === '' ? null : key,
      appended: timeText(appendedMs),
      data: text,
    })),
  }
}

export function drawPlan({ agent }: Replayable, chosen: Chosen, plan: Plan): string {
  const lines = [`Replay to ${agent.name}@${agent.version}: ${plain(chosen.words)}`]
  const line = (count: number, what: string) => lines.push(`${grouped(count).padStart(12)}  ${what}`)
  line(plan.chosen, 'data are chosen')
  line(plan.before, 'lie before its beginning and are given to it')
  if (plan.handled > 0) line(plan.handled, 'it has done, or has in its dead letters: left out')
  if (plan.ahead > 0) line(plan.ahead, 'it comes to by itself: left out')
  if (plan.done > 0)
    lines.push(
      `Of the first ${grouped(plan.asked)} before its beginning the trace knows ${grouped(plan.done)} to be done: they are left out, too.`,
    )
  if (plan.examples.length > 0) lines.push('Such as:')
  for (const { dataId, topic, partition, offset, text } of plan.examples)
    lines.push(`  ${dataId}  ${topic}/${partition}/${offset}  ${plain(text.split('\n', 1)[0]!)}`)
  return lines.join('\n')
}

const WORDS: { readonly [fate in keyof Fates]: string } = {
  replayed: 'replayed',
  done: 'done already',
  dead: 'in the dead letters',
  ahead: 'that it comes to by itself',
  waiting: 'in its replay topic already',
  gone: 'expired or void',
}

/** `1,200 replayed, 3 done already` */
export function fatesText(fates: Fates): string {
  const said = FATES.filter(fate => fate === 'replayed' || fates[fate] > 0)
  return said.map(fate => `${grouped(fates[fate])} ${WORDS[fate]}`).join(', ')
}
