import { until } from '../harness.ts'
import type { Fleet, StartOptions } from './fleet.ts'
import type { Groups } from './groups.ts'

const AGENT = 'total@1'
const TOPIC = 'readings'
const SETTLED_MS = 180_000

/** One member of a group, by the name that the broker gave it, and the partitions that it has. */
export interface Share {
  readonly member: string
  readonly partitions: readonly number[]
}

/** Starts a second agents process, of that number, beside the one that is there. @returns what each of them has once the group is shared out. */
export async function shareBetweenTwo(
  fleet: Fleet,
  groups: Groups,
  { number = 2, ...options }: StartOptions & { readonly number?: number } = {},
): Promise<{ readonly first: Share; readonly second: Share }> {
  const [first] = await settled(groups, 1)
  await fleet.start('agents', number, options).ready
  const both = await settled(groups, 2)
  const share = (is: (member: string) => boolean) => both.find(({ member }) => is(member))
  const [older, younger] = [share(member => member === first?.member), share(member => member !== first?.member)]
  if (older === undefined || younger === undefined) throw new Error(`${first?.member} has left: ${JSON.stringify(both)}`)
  return { first: older, second: younger }
}

/** Waits until the group has so many members, each with a share. */
export async function settled(groups: Groups, count: number): Promise<readonly Share[]> {
  let shares: readonly Share[] = []
  await until(`${AGENT} has ${count} members`, SETTLED_MS, async () => {
    const members = await groups.members(AGENT, TOPIC)
    shares = [...(members ?? [])].map(([member, partitions]) => ({ member, partitions }))
    return shares.length === count && shares.every(({ partitions }) => partitions.length > 0)
  })
  return shares
}

/** Committed offsets of the group in these partitions. */
export async function offsetsOf(fleet: Fleet, partitions: readonly number[]): Promise<readonly number[]> {
  const standings = await fleet.view.standings()
  return partitions.map(
    partition =>
      standings.find(each => each.group === AGENT && each.topic === TOPIC && each.partition === partition)?.checkpoint.offset ?? 0,
  )
}

/** Resolves when every one of these partitions has moved beyond where it stands now. */
export async function untilMoved(fleet: Fleet, partitions: readonly number[], deadlineMs: number): Promise<void> {
  const before = await offsetsOf(fleet, partitions)
  await until('somebody goes on with its partitions', deadlineMs, async () => {
    const now = await offsetsOf(fleet, partitions)
    return now.every((offset, i) => offset > before[i]!)
  })
}
