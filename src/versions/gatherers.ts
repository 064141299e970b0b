import type { Standing } from '../engine/engine.ts'
import { type Ending, isOver, type Versions } from './fold.ts'

type Placed = readonly Pick<Standing, 'group' | 'topic' | 'replacedBy'>[]

/** Topics between agents of Millrace's own and the user's (`agents/windows`): `_windows.hourly@1` is written by `hourly.windows@1`. */
const BETWEEN = /^_(windows|sides|pairs)\.(.+)@(\d+)$/
const GATHERER = /^(.+)\.(windows|sides|pairs)@(\d+)$/

/** The groups that gather windows or pairs for a group, in the order in which data pass them. Told by places alone: nobody may declare them any more. */
export function gatherersOf(group: string, standings: Placed): readonly string[] {
  const topics = new Set(standings.filter(at => at.group === group).map(({ topic }) => topic))
  return [...topics].flatMap(topic => {
    const [, kind, name, version] = BETWEEN.exec(topic) ?? []
    if (kind === undefined) return []
    const writer = `${name}.${kind}@${version}`
    return [...gatherersOf(writer, standings), writer]
  })
}

/** The groups that read what a group gathers: none where it gathers nothing. */
export function readersOf(group: string, standings: Placed): readonly string[] {
  const [, name, kind, version] = GATHERER.exec(group) ?? []
  const topic = `_${kind}.${name}@${version}`
  return [...new Set(standings.filter(at => at.topic === topic).map(at => at.group))]
}

/** What has ended, with the groups that gather for nobody else: they end and go on with their readers, so no decision is about them. */
export function withGatherers(ended: Versions['ended'], standings: Placed): Versions['ended'] {
  const along = [...new Set(standings.map(({ group }) => group))].flatMap(group => {
    const ending = endingOf(group, ended, standings)
    return ending === undefined ? [] : [[group, ending] as const]
  })
  return along.length === 0 ? ended : new Map([...ended, ...along])
}

/** That of the readers, where all of them have ended. */
function endingOf(group: string, ended: Versions['ended'], standings: Placed): Ending | undefined {
  let last: Ending | undefined
  for (const reader of readersOf(group, standings)) {
    const ending = isOver(ended, reader) ? ended.get(reader) : endingOf(reader, ended, standings)
    const replaced = standings.some(at => at.group === reader && at.replacedBy !== undefined)
    if (ending === undefined && !replaced) return undefined
    last = ending ?? last
  }
  return last
}
