import type { AgentNode, Reading } from '../../../api/overview.ts'
import { countText, percentText, perSecondText, secondsText } from '../../parts/numbers.ts'

/** How good or bad it is; never shown by colour alone. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle'

export const MARKS: Readonly<Record<Tone, string>> = { good: '✓', warn: '▲', bad: '✕', idle: '○' }

const BAD = new Set(['hung', 'poisoned', 'no_process'])
const WARN = new Set(['blocked', 'starved', 'slow', 'behind'])

const STATE_WORDS: Readonly<Record<AgentNode['state'], string>> = {
  running: 'running',
  down: 'down',
  elsewhere: 'runs in another process',
  replaced: 'replaced by another version',
  decommissioned: 'decommissioned',
  promoted: 'promoted',
  draining: 'draining: takes nothing new',
  paused: 'paused by a person',
  removed: 'no longer in the pipeline',
}

export function toneOf({ state, diagnosis }: Pick<AgentNode, 'state' | 'diagnosis'>): Tone {
  if (state === 'down') return 'bad'
  if (state !== 'running' && state !== 'elsewhere') return 'idle'
  const judged = diagnosis?.state
  if (judged === undefined || judged === 'paused') return 'idle'
  return BAD.has(judged) ? 'bad' : WARN.has(judged) ? 'warn' : 'good'
}

/** The diagnosis, or what else there is to say of its state. */
export function wordsOf({ state, diagnosis }: Pick<AgentNode, 'state' | 'diagnosis'>): string {
  if (state !== 'running' && state !== 'elsewhere' && state !== 'down') return STATE_WORDS[state]
  return diagnosis?.words ?? STATE_WORDS[state]
}

/** From so much of the log on, data that wait are near to being lost. */
const FULL_BAD = 0.8
const FULL_WARN = 0.3

/** How bad it is what waits on an edge: by how near it is to expire, and by how its agent is. That data wait is no fault: a storage agent lets them gather. */
export function readingTone({ full }: Reading, agent: Tone): Tone {
  if (full >= FULL_BAD) return 'bad'
  if (full >= FULL_WARN) return 'warn'
  return agent === 'warn' || agent === 'bad' ? agent : 'idle'
}

/** `lag 3,100 · 42 s`, or nothing where nothing waits. */
export function lagText({ lag, lag_seconds }: Reading): string {
  return lag === 0 ? 'no lag' : `lag ${countText(lag)} · ${secondsText(lag_seconds)}`
}

/** The whole of an edge to an agent in words, for those who do not see it. */
export function readingText(reading: Reading): string {
  const { lag, lag_seconds, per_second, full } = reading
  const wait = lag === 0 ? 'nothing waits' : `${countText(lag)} data wait, the oldest for ${secondsText(lag_seconds)}`
  return `${perSecondText(per_second)}, ${wait}, ${percentText(full)} full`
}

/** The shortest name of a version: `v2`, `v2 shadow`, `v2 · 10 % of the keys`. */
export function versionText({ version, shadow, ramp }: Pick<AgentNode, 'version' | 'shadow' | 'ramp'>): string {
  return [`v${version}`, ...(shadow ? ['shadow'] : []), ...(typeof ramp === 'number' ? [`${percentText(ramp)} of keys`] : [])].join(' · ')
}
