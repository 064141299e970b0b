import { replayTopic, type StoredLetter } from '../agents/dead-letter.ts'
import { agentOf, type EngineView, groupName, type Standing } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { Budget, scanRange } from './scan.ts'
import type { AgentVersion, Mark, Position, TraceRecord } from './trace.ts'

/** The whole answer to "where is my datum?". Times are milliseconds since 1970 UTC. */
export interface DatumStory {
  readonly dataId: DataId
  readonly source: string
  readonly createdMs: number
  /** When the stream took it, and where it is; several positions where it was replayed or copies got in. */
  readonly acceptedMs: number
  readonly positions: readonly Position[]
  readonly parents: readonly DataId[]
  /** One for each agent@version that reads it, or read it once. */
  readonly agents: readonly AgentStory[]
  /** Outputs were left out: the units of work that made them are too large to look through. */
  readonly truncated: boolean
}

export type AgentStory = AgentVersion & {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** This is about the datum put again from the dead letters, not about the first time. */
  readonly replay: boolean
  /** The version that took over this one's place. */
  readonly replacedBy?: string
  readonly fate: Fate
}

/** What became of a datum at one agent. */
export type Fate =
  /** Finished; its outputs are durable. */
  | {
      readonly state: 'done'
      readonly claimedMs: number
      readonly finishedMs: number
      /** From the stream's acceptance to the claim. */
      readonly waitedMs: number
      readonly tookMs: number
      readonly attempts: number
      readonly outputs: readonly { readonly dataId: DataId; readonly topic: string }[]
    }
  /** Given up, and kept in the dead letters. */
  | {
      readonly state: 'dead'
      readonly claimedMs: number
      readonly finishedMs: number
      readonly waitedMs: number
      readonly attempts: number
      readonly reason: string
      readonly letter?: Pick<StoredLetter, 'letter' | 'state'>
    }
  /** Claimed and not finished: it is worked on, or whoever claimed it has died and it will be claimed again. */
  | { readonly state: 'in hand'; readonly sinceMs: number; readonly waitedMs: number; readonly attempts: number }
  /** Not reached yet. `ahead` counts the data before it in its partition, `behind` those after it. */
  | { readonly state: 'waiting'; readonly sinceMs: number; readonly ahead: number; readonly behind: number }
  /** Retention deleted it before the agent reached it: it is counted as lost. */
  | { readonly state: 'expired' }
  /** The agent's place is past it and no mark is kept: it was finished, and the trace has forgotten when. */
  | { readonly state: 'passed' }
  /** The agent began behind it, so it was never the agent's to handle. */
  | { readonly state: 'before start' }
  /** Another version took over the agent's place before this one reached it. */
  | { readonly state: 'replaced' }

/** A unit of work's outputs are looked through for this datum's, up to so many bytes for each story, where nobody says otherwise. */
const OUTPUT_SCAN_BYTES = 33_554_432

/** What of an engine a story needs. */
type StoryView = Pick<EngineView, 'find' | 'read' | 'standings' | 'letters'>

/**
 * Where a datum is, and what every agent made of it; undefined where it was never seen or is forgotten.
 * @param budget of looking for outputs, where it is shared with other stories.
 */
export async function whereIs(
  view: StoryView,
  dataId: DataId,
  nowMs: number,
  budget = new Budget(OUTPUT_SCAN_BYTES, 0),
): Promise<DatumStory | undefined> {
  const record = await view.find(dataId)
  if (record === undefined) return undefined
  const standings = await view.standings()
  const positions = record.positions.toSorted((a, b) => a.appendedMs - b.appendedMs)
  const steps = new Map<string, AgentStory>()
  for (const position of positions) {
    for (const reader of readersOf(position, record, standings)) {
      const story = await tell(view, record, position, reader, budget, nowMs)
      const name = groupName(story)
      steps.set(name, decisive(steps.get(name), story))
    }
  }
  return {
    dataId,
    source: record.source,
    createdMs: record.createdMs,
    acceptedMs: positions[0]?.appendedMs ?? record.createdMs,
    positions,
    parents: record.parents,
    agents: [...steps.values()].sort((a, b) => a.name.localeCompare(b.name) || a.version - b.version),
    truncated: budget.truncated,
  }
}

interface Reader extends AgentVersion {
  readonly mark: Mark | undefined
  readonly standing: Standing | undefined
}

/** Agents that stand in the position's partition, and those that no longer do but have left a mark on it. */
function readersOf(position: Position, record: TraceRecord, standings: readonly Standing[]): Reader[] {
  const marks = new Map(record.marks.filter(mark => isAt(mark, position)).map(mark => [groupName(mark), mark]))
  const readers: Reader[] = []
  for (const standing of standings) {
    if (standing.topic !== position.topic || standing.partition !== position.partition) continue
    readers.push({ ...agentOf(standing.group), mark: marks.get(standing.group), standing })
    marks.delete(standing.group)
  }
  for (const mark of marks.values()) readers.push({ name: mark.name, version: mark.version, mark, standing: undefined })
  return readers
}

function isAt(mark: Mark, position: Position): boolean {
  return mark.topic === position.topic && mark.partition === position.partition && mark.offset === position.offset
}

async function tell(
  view: StoryView,
  record: TraceRecord,
  position: Position,
  reader: Reader,
  budget: Budget,
  nowMs: number,
): Promise<AgentStory> {
  const { mark, standing } = reader
  const replacedBy = standing?.replacedBy
  return {
    name: reader.name,
    version: reader.version,
    topic: position.topic,
    partition: position.partition,
    offset: position.offset,
    replay: position.topic === replayTopic(reader),
    ...(replacedBy === undefined ? {} : { replacedBy }),
    fate:
      mark === undefined
        ? unmarked(position, standing)
        : await marked(view, record, position, mark, replacedBy !== undefined, budget, nowMs),
  }
}

/** Without a mark the position says it all. */
function unmarked(position: Position, standing: Standing | undefined): Fate {
  if (standing === undefined) return { state: 'passed' }
  const { checkpoint } = standing
  if (position.offset < checkpoint.first) return { state: 'before start' }
  if (position.offset < checkpoint.offset) return { state: 'passed' }
  if (standing.replacedBy !== undefined) return { state: 'replaced' }
  if (position.offset < standing.first) return { state: 'expired' }
  return {
    state: 'waiting',
    sinceMs: position.appendedMs,
    ahead: position.offset - Math.max(checkpoint.offset, standing.first),
    behind: Math.max(0, standing.next - position.offset - 1),
  }
}

async function marked(
  view: StoryView,
  record: TraceRecord,
  position: Position,
  mark: Mark,
  replaced: boolean,
  budget: Budget,
  nowMs: number,
): Promise<Fate> {
  const waitedMs = Math.max(0, mark.claimedMs - position.appendedMs)
  const finishedMs = mark.finishedMs ?? mark.claimedMs
  if (mark.state === 'done') {
    const outputs = await outputsOf(view, record.dataId, mark, budget)
    const tookMs = Math.max(0, finishedMs - mark.claimedMs)
    return { state: 'done', claimedMs: mark.claimedMs, finishedMs, waitedMs, tookMs, attempts: mark.attempts, outputs }
  }
  if (mark.state === 'dead') {
    const letter = await letterOf(view, record.dataId, mark)
    return {
      state: 'dead',
      claimedMs: mark.claimedMs,
      finishedMs,
      waitedMs,
      attempts: mark.attempts,
      reason: mark.reason ?? 'no reason was kept',
      ...(letter === undefined ? {} : { letter }),
    }
  }
  // A claim by a version that has been replaced holds nothing: its successor works on the datum.
  if (replaced) return { state: 'replaced' }
  return { state: 'in hand', sinceMs: Math.min(mark.claimedMs, nowMs), waitedMs, attempts: mark.attempts }
}

/** A unit's outputs of one datum: those whose first parent it is. The rest of its window comes after it among the parents. */
async function outputsOf(view: StoryView, dataId: DataId, mark: Mark, budget: Budget): Promise<{ dataId: DataId; topic: string }[]> {
  const outputs: { dataId: DataId; topic: string }[] = []
  for (const range of mark.outputs) {
    for (const child of await scanRange(view, range, dataId, budget))
      if (child.cause === dataId) outputs.push({ dataId: child.dataId, topic: child.topic })
  }
  return outputs
}

async function letterOf(view: StoryView, dataId: DataId, mark: Mark): Promise<Pick<StoredLetter, 'letter' | 'state'> | undefined> {
  const letters = await view.letters.list({ agent: mark.name, version: mark.version, dataId, limit: 1 })
  const letter = letters[0]
  return letter === undefined ? undefined : { letter: letter.letter, state: letter.state }
}

/** How much a fate says about the datum, for an agent that met it at several positions. */
const SAYS = { 'before start': 0, replaced: 1, passed: 2, expired: 3, waiting: 4, dead: 5, 'in hand': 6, done: 7 } as const

/** Of two positions the one that decides: done is done wherever it was; else a replay, being later, tells more than the first time. */
function decisive(known: AgentStory | undefined, next: AgentStory): AgentStory {
  if (known === undefined) return next
  if (known.fate.state === 'done' || next.fate.state === 'done') return known.fate.state === 'done' ? known : next
  if (next.replay && next.fate.state !== 'before start' && next.fate.state !== 'passed') return next
  return SAYS[next.fate.state] >= SAYS[known.fate.state] ? next : known
}
