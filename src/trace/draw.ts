import { shownAgent } from '../agents/shadow.ts'
import type { AgentStory, DatumStory, Fate } from './explain.ts'
import type { Lineage } from './lineage.ts'

const BAR_COLUMNS = 28
/** Outputs shown for one agent; the JSON has them all. */
const MAX_OUTPUTS = 8
const MAX_CHILDREN = 50

/** The story as text for a terminal: a line for each agent, with its wait (·) and its work (█) on one time scale. No colours, no trailing newline. */
export function drawStory(story: DatumStory, nowMs: number): string {
  const lines = [
    story.dataId,
    `  from ${story.source}, created ${iso(story.createdMs)}`,
    ...story.positions.map((at, i) => {
      const what = at.topic.startsWith('_replay.') ? 'replayed' : i === 0 ? 'accepted' : 'stored again'
      return `  ${what} ${iso(at.appendedMs)} into ${at.topic}, partition ${at.partition}, offset ${at.offset}`
    }),
    ...(story.parents.length === 0 ? [] : [`  derived from ${some(story.parents, MAX_OUTPUTS)}`]),
    '',
  ]
  if (story.agents.length === 0) lines.push('  No agent reads it.')
  const scale = timeScale(story)
  const nameWidth = Math.max(0, ...story.agents.map(agent => shownAgent(agent).length))
  const stateWidth = Math.max(0, ...story.agents.map(agent => agent.fate.state.length))
  for (const agent of story.agents) {
    const head = `  ${shownAgent(agent).padEnd(nameWidth)}  ${agent.fate.state.padEnd(stateWidth)}`
    lines.push(`${head}  ${bar(agent.fate, story, scale)}  ${say(agent, nowMs)}`)
    if (agent.fate.state !== 'done') continue
    for (const [topic, ids] of Object.entries(Object.groupBy(agent.fate.outputs, output => output.topic)))
      lines.push(
        `  ${' '.repeat(nameWidth)}  → ${topic} ${some(
          (ids ?? []).map(output => output.dataId),
          MAX_OUTPUTS,
        )}`,
      )
  }
  if (story.truncated) lines.push('  (some outputs are not shown: the units of work that made them are too large to look through)')
  return lines.join('\n')
}

/** A lineage as text: the ancestors above, the datum, its descendants below as a tree. */
export function drawLineage(lineage: Lineage): string {
  const known = new Map(lineage.data.map(datum => [datum.dataId, datum]))
  const label = (id: string): string => {
    const datum = known.get(id)
    return datum === undefined ? `${id}  (no longer known)` : `${id}  ${datum.topic} by ${datum.source}`
  }
  const branch = (id: string, side: 'parents' | 'children', indent: string, path: readonly string[]): string[] => {
    const next = lineage.links
      .filter(link => (side === 'parents' ? link.child : link.parent) === id)
      .map(link => (side === 'parents' ? link.parent : link.child))
    const shown = next.slice(0, MAX_CHILDREN)
    const lines = shown.flatMap((other, i) => {
      const last = i === shown.length - 1 && next.length === shown.length
      // A datum may be reached by several ways; below the first, its name is enough.
      const again = path.includes(other) || drawn.has(`${side} ${other}`)
      drawn.add(`${side} ${other}`)
      const below = again ? [] : branch(other, side, `${indent}${last ? '   ' : '│  '}`, [...path, other])
      return [
        `${indent}${last ? '└─ ' : '├─ '}${label(other)}${again && below.length === 0 && hasNext(other, side) ? '  (as above)' : ''}`,
        ...below,
      ]
    })
    if (next.length > shown.length) lines.push(`${indent}└─ … ${next.length - shown.length} more`)
    return lines
  }
  const hasNext = (id: string, side: 'parents' | 'children') =>
    lineage.links.some(link => (side === 'parents' ? link.child : link.parent) === id)
  const drawn = new Set<string>()
  const up = branch(lineage.dataId, 'parents', '  ', [lineage.dataId])
  const down = branch(lineage.dataId, 'children', '  ', [lineage.dataId])
  return [
    label(lineage.dataId),
    ...(up.length === 0 ? ['derived from nothing: it came from outside'] : ['derived from', ...up]),
    ...(down.length === 0 ? ['nothing was derived from it'] : ['used for', ...down]),
    ...(lineage.truncated ? ['(not all of it is shown: a bound was reached)'] : []),
  ].join('\n')
}

function say(agent: AgentStory, nowMs: number): string {
  const replay = agent.replay ? ', replayed' : ''
  const { fate } = agent
  const tries = 'attempts' in fate && fate.attempts > 1 ? `, ${fate.attempts} attempts` : ''
  switch (fate.state) {
    case 'done':
      return `waited ${span(fate.waitedMs)}, took ${span(fate.tookMs)}${tries}${replay}`
    case 'dead': {
      const letter =
        fate.letter === undefined
          ? ''
          : ` (dead letter ${fate.letter.letter}${fate.letter.state === 'dead' ? '' : `, ${fate.letter.state}`})`
      return `${fate.reason}${tries}${letter}${replay}`
    }
    case 'in hand':
      return `for ${span(nowMs - fate.sinceMs)}, waited ${span(fate.waitedMs)}${tries}${replay}`
    case 'waiting':
      return `for ${span(nowMs - fate.sinceMs)}: ${count(fate.ahead)} ahead of it, ${count(fate.behind)} behind${replay}`
    case 'expired':
      return 'deleted by retention before the agent reached it'
    case 'passed':
      return 'finished; the trace no longer says when'
    case 'before start':
      return 'the agent began behind it'
    case 'replaced':
      return agent.replacedBy === undefined ? 'by a later version' : `by ${agent.replacedBy}`
  }
}

/** Milliseconds for one column of the bars: the longest of the story's finished work fills them. */
function timeScale(story: DatumStory): number {
  const ends = story.agents.map(agent => ('finishedMs' in agent.fate ? agent.fate.finishedMs - story.acceptedMs : 0))
  return Math.max(1, ...ends) / BAR_COLUMNS
}

function bar(fate: Fate, story: DatumStory, scale: number): string {
  if (!('finishedMs' in fate)) return ' '.repeat(BAR_COLUMNS)
  const start = Math.min(BAR_COLUMNS - 1, Math.max(0, Math.floor((fate.claimedMs - story.acceptedMs) / scale)))
  const end = Math.min(BAR_COLUMNS, Math.max(start + 1, Math.ceil((fate.finishedMs - story.acceptedMs) / scale)))
  return `${'·'.repeat(start)}${'█'.repeat(end - start)}`.padEnd(BAR_COLUMNS)
}

function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

function count(n: number): string {
  return n.toLocaleString('en')
}

function some(ids: readonly string[], most: number): string {
  return ids.length <= most ? ids.join(' ') : `${ids.slice(0, most).join(' ')} and ${ids.length - most} more`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
