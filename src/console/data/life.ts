import { shownAgent } from '../../agents/shadow.ts'
import { type EngineView, groupName, type Standing } from '../../engine/engine.ts'
import type { DataId } from '../../envelope/data-id.ts'
import type { FrameCursor } from '../../envelope/frame.ts'
import type { StoredAt } from '../../storage/storage.ts'
import { type AgentStory, type DatumStory, whereIs } from '../../trace/explain.ts'
import { type Lineage, type LineageOptions, lineage } from '../../trace/lineage.ts'
import { Budget } from '../../trace/scan.ts'
import type { OutputRange, Position, TraceRecord } from '../../trace/trace.ts'
import type { Life, Step } from '../api/data.ts'
import type { ShownDatum } from '../api/topics.ts'
import type { ShownData } from '../masked.ts'
import { iso } from '../seen.ts'
import { datumAt } from './at.ts'

/** Data of one life. */
const MOST_DATA = 200
/** Outputs of all its steps are looked for in so many bytes. */
const OUTPUT_BYTES = 67_108_864

export interface LifeOptions extends Pick<LineageOptions, 'windows' | 'gathering'> {
  readonly nowMs: number
  /** What people may see of a datum of a topic. */
  readonly see: (cursor: FrameCursor, topic: string) => ShownData
  /** Where a storage agent has put a datum that it has done. */
  readonly storedAt: (agent: AgentStory, story: DatumStory, standings: readonly Standing[]) => Promise<StoredAt | undefined>
}

type LifeView = Pick<EngineView, 'find' | 'read' | 'bounds' | 'standings' | 'letters'>

/** A datum's life, and that of what it came from and what came of it; undefined where it was never seen or is forgotten. */
export async function lifeOf(view: LifeView, dataId: DataId, options: LifeOptions): Promise<Life | undefined> {
  const find = once(view)
  const family = await lineage({ find, read: view.read.bind(view), bounds: view.bounds.bind(view) }, dataId, {
    ...options,
    limit: MOST_DATA,
  })
  if (family === undefined) return undefined
  const standings = await view.standings()
  const atOnce = { find, read: view.read.bind(view), letters: view.letters, standings: async () => standings }
  const budget = new Budget(OUTPUT_BYTES, 0)
  const steps: Step[] = []
  const data: ShownDatum[] = []
  const gone: string[] = []
  const { makers, made } = ownLine(family)
  let own: DatumStory | undefined
  for (const member of family.data) {
    await budget.breathe()
    const shown = await datumAt(view, member, options.see)
    if (shown === undefined) gone.push(member.dataId)
    else data.push(shown)
    if (!made.has(member.dataId) && !makers.has(member.dataId)) continue
    const story = await whereIs(atOnce, member.dataId, options.nowMs, budget)
    if (story === undefined) continue
    if (member.dataId === dataId) own = story
    // What else became of what it was made of is that one's own life.
    const mine = made.has(member.dataId) ? story : { ...story, agents: story.agents.filter(agent => hasMade(agent, makers, dataId)) }
    steps.push(...(await stepsOf(mine, standings, options, member.dataId === dataId)))
  }
  // Its trace was there a moment ago.
  return own === undefined
    ? undefined
    : { ...lifeToJson(own, family, await linksOf(family, find), data, steps), forgotten: [...family.forgotten, ...gone] }
}

/** Looks each datum up once: the log may have to be searched for it, and where the lineage has met it that is known. */
function once(view: Pick<EngineView, 'find'>): EngineView['find'] {
  const found = new Map<string, Promise<TraceRecord | undefined>>()
  return (dataId, at) => {
    const known = found.get(dataId) ?? view.find(dataId, at)
    found.set(dataId, known)
    return known
  }
}

/** The datum with what came of it; and what was handled when it was made, and that in turn: of the rest of a window nothing became it alone. */
function ownLine({ dataId, links }: Lineage): { readonly makers: ReadonlySet<DataId>; readonly made: ReadonlySet<DataId> } {
  const handled = new Map(links.filter(link => link.handled).map(({ parent, child }) => [child, parent]))
  const makers = new Set<DataId>()
  for (let maker = handled.get(dataId); maker !== undefined && !makers.has(maker); maker = handled.get(maker)) makers.add(maker)
  const children = Map.groupBy(links, ({ parent }) => parent)
  const made = new Set([dataId])
  // What is added on the way is visited, too.
  for (const id of made) for (const { child } of children.get(id) ?? []) made.add(child)
  return { makers, made }
}

/** @param find has met every parent that is linked. */
async function linksOf({ data, links }: Lineage, find: EngineView['find']): Promise<Life['links']> {
  const placed = new Map(data.map(member => [member.dataId, member]))
  return Promise.all(
    links.map(async ({ parent, child, handled }) => {
      const at = placed.get(child)
      const marks = handled && at !== undefined ? ((await find(parent))?.marks ?? []) : []
      const mark = marks.find(({ outputs }) => outputs.some(range => isWithin(at!, range)))
      return { from: parent, to: child, by: mark === undefined ? null : shownAgent(mark) }
    }),
  )
}

function isWithin({ topic, partition, offset }: Position, range: OutputRange): boolean {
  return topic === range.topic && partition === range.partition && offset >= range.first && offset < range.end
}

function hasMade({ fate }: AgentStory, makers: ReadonlySet<DataId>, dataId: DataId): boolean {
  return fate.state === 'done' && fate.outputs.some(output => output.dataId === dataId || makers.has(output.dataId))
}

function lifeToJson(
  own: DatumStory,
  family: Lineage,
  links: Life['links'],
  data: ShownDatum[],
  steps: readonly Step[],
): Omit<Life, 'forgotten'> {
  return {
    data_id: own.dataId,
    source: own.source,
    created: iso(own.createdMs),
    accepted: iso(own.acceptedMs),
    data,
    links,
    steps: steps.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b))),
    truncated: family.truncated || own.truncated,
  }
}

function timeOf({ claimed, appended }: Step): string {
  return claimed ?? appended ?? ''
}

/** @param isOwn the datum that was asked for, whose files are read for its rows; its relatives' are too many for that. */
async function stepsOf(story: DatumStory, standings: readonly Standing[], { storedAt }: LifeOptions, isOwn: boolean): Promise<Step[]> {
  // What an agent began behind was never its own.
  const agents = story.agents.filter(({ fate }) => fate.state !== 'before start')
  return Promise.all(
    agents.map(async agent => {
      const stored = agent.fate.state === 'done' ? await storedAt(agent, story, standings) : undefined
      return { ...stepToJson(agent, story), stored: stored === undefined ? null : await storedToJson(stored, isOwn) }
    }),
  )
}

async function storedToJson(stored: StoredAt, isOwn: boolean): Promise<NonNullable<Step['stored']>> {
  const { where, row } = (isOwn ? await stored.exact?.() : undefined) ?? { ...stored, row: undefined }
  return { where, row: row ?? null }
}

function stepToJson(agent: AgentStory, { dataId, positions }: DatumStory): Omit<Step, 'stored'> {
  const { topic, partition, offset, fate } = agent
  const at = positions.find(position => position.topic === topic && position.partition === partition && position.offset === offset)
  const step = {
    ...{ agent: shownAgent(agent), data_id: dataId, topic, partition, offset },
    state: fate.state.replace(' ', '_'),
    appended: at === undefined ? null : iso(at.appendedMs),
    ...{ claimed: null, finished: null, waited_ms: null, took_ms: null, attempts: null, reason: null, letter: null, outputs: [] },
  }
  switch (fate.state) {
    case 'done':
    case 'dead':
      return {
        ...step,
        claimed: iso(fate.claimedMs),
        finished: iso(fate.finishedMs),
        waited_ms: fate.waitedMs,
        took_ms: Math.max(0, fate.finishedMs - fate.claimedMs),
        attempts: fate.attempts,
        ...(fate.state === 'dead'
          ? { reason: fate.reason, letter: fate.letter?.letter ?? null }
          : { outputs: fate.outputs.map(output => ({ data_id: output.dataId, topic: output.topic })) }),
      }
    case 'in hand':
      return { ...step, claimed: iso(fate.sinceMs), waited_ms: fate.waitedMs, attempts: fate.attempts }
    default:
      return step
  }
}

/** The place of an agent in the partition of its story. */
export function standingOf(agent: AgentStory, standings: readonly Standing[]): Standing | undefined {
  const group = groupName(agent)
  return standings.find(at => at.group === group && at.topic === agent.topic && at.partition === agent.partition)
}
