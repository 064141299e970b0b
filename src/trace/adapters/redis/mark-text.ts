import { parseTime } from '../../../envelope/time.ts'
import type { AgentVersion, Mark, OutputRange, Position } from '../../trace.ts'

/** An agent's mark in the readable layout: `claimed_ms [finished_ms done|dead [topic/partition/offset] [attempts=n] [unit=ref] [reason=…]]`. */
export interface MarkText extends AgentVersion, Pick<Mark, 'state' | 'claimedMs' | 'finishedMs' | 'attempts' | 'reason'> {
  /** Where it was made; the datum's first position where it does not say. */
  readonly at?: Place
  /** Names its outputs' key. */
  readonly unit?: string
}

export type Place = Pick<Position, 'topic' | 'partition' | 'offset'>

/** In one line, and not for ever: the dead letter has all of it. */
const MAX_REASON = 300
const FIELD = /^(.+)@(\d+)$/
const FINISHED = /^(\S+) (\S+) (done|dead)(?: ([^\s=]+\/\d+\/\d+))?(?: attempts=(\d+))?(?: unit=(\S+))?(?: reason=(.*))?/s
const PLACE = /^(.+)\/(\d+)\/(\d+)$/
const RANGE = /^(.+)\/(\d+)\/(\d+)-(\d+)$/

/** What comes after the state, and after the position where that is said. */
export function markTail(attempts: number, unit: string, reason?: string): string {
  const line = reason === undefined ? '' : ` reason=${reason.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON)}`
  return `${attempts > 1 ? ` attempts=${attempts}` : ''}${unit === '' ? '' : ` unit=${unit}`}${line}`
}

/** The agent of a field, or undefined where it is none's. */
export function parseField(field: string): AgentVersion | undefined {
  const agent = FIELD.exec(field)
  return agent === null ? undefined : { name: agent[1]!, version: Number(agent[2]) }
}

/** @returns undefined where the field is no agent's. */
export function parseMark(field: string, value: string): MarkText | undefined {
  const agent = parseField(field)
  if (agent === undefined) return undefined
  const finished = FINISHED.exec(value)
  if (finished === null) return { ...agent, state: 'claimed', claimedMs: timeOf(value.split(' ')[0]!), attempts: 1 }
  const [, claimed, ended, state, place, attempts, unit, reason] = finished
  const at = place === undefined ? undefined : parsePlace(place)
  return {
    ...agent,
    state: state === 'done' ? 'done' : 'dead',
    claimedMs: timeOf(claimed!),
    finishedMs: timeOf(ended!),
    attempts: Number(attempts ?? 1),
    ...(at === undefined ? {} : { at }),
    ...(unit === undefined ? {} : { unit }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** `topic/partition/offset appended_ms, …` */
export function parsePositions(text: string): Position[] {
  return text.split(', ').flatMap(entry => {
    const [place = '', appended = ''] = entry.split(' ')
    const at = parsePlace(place)
    return at === undefined ? [] : [{ ...at, appendedMs: timeOf(appended) }]
  })
}

export function formatOutputs(outputs: readonly OutputRange[]): string {
  return outputs.map(({ topic, partition, first, end }) => `${topic}/${partition}/${first}-${end}`).join(' ')
}

export function parseOutputs(text: string): OutputRange[] {
  return text.split(' ').flatMap(part => {
    const match = RANGE.exec(part)
    return match === null ? [] : [{ topic: match[1]!, partition: Number(match[2]), first: Number(match[3]), end: Number(match[4]) }]
  })
}

/** Milliseconds since 1970 or RFC 3339, as whoever wrote it pleased; 0 where it is neither. */
export function timeOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : (parseTime(text) ?? 0)
}

function parsePlace(text: string): Place | undefined {
  const match = PLACE.exec(text)
  return match === null ? undefined : { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) }
}
