/** A partition to be shared out: */
export interface Shareable {
  readonly place: number
  readonly topic: string
  readonly partition: number
  readonly partitions: number
}

/** Who asks for which topics. */
export interface Claimant {
  readonly member: number
  readonly topics: ReadonlySet<string>
}

/**
 * Shares partitions out in ranges: equal partitions of several topics go to the same member where the counts allow, and every
 * member has as many as the others, give or take one. Each partition goes to exactly one member that asks for its topic.
 * @returns places by member; a member may get none.
 */
export function assign(partitions: readonly Shareable[], members: readonly Claimant[]): Map<number, number[]> {
  const assigned = new Map<number, number[]>(members.map(m => [m.member, []]))
  // Members of one group may ask for different topics while a new declaration is rolled out: share within those who ask for the same.
  const pools = new Map<string, { eligible: readonly Claimant[]; partitions: Shareable[] }>()
  for (const partition of partitions) {
    const eligible = members.filter(m => m.topics.has(partition.topic))
    if (eligible.length === 0) continue
    const key = eligible.map(m => m.member).join()
    const pool = pools.get(key)
    if (pool === undefined) pools.set(key, { eligible, partitions: [partition] })
    else pool.partitions.push(partition)
  }
  for (const { eligible, partitions: shared } of pools.values()) {
    shared.sort((a, b) => a.partition / a.partitions - b.partition / b.partitions || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0))
    for (const [index, partition] of shared.entries()) {
      const owner = eligible[Math.floor((index * eligible.length) / shared.length)]
      // The index is below the pool's length, so there is an owner, and every member has a list.
      if (owner !== undefined) assigned.get(owner.member)?.push(partition.place)
    }
  }
  return assigned
}
