/** A member of a group, and the topics it asks for. */
export interface Claimant {
  readonly memberId: string
  readonly topics: ReadonlySet<string>
}

export interface Share {
  readonly topic: string
  readonly partitions: number[]
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly of: number
}

/**
 * Shares partitions out in ranges: equal partitions of several topics go to the same member where the counts allow, and every member has
 * as many as the others, give or take one. Each partition goes to exactly one member that asks for its topic.
 */
export function shareOut(partitions: ReadonlyMap<string, number>, members: readonly Claimant[]): Map<string, Share[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
  // Members of one group may ask for different topics while a new declaration is rolled out: share within those who ask for the same.
  const pools = new Map<string, { eligible: readonly Claimant[]; places: Place[] }>()
  for (const [topic, of] of partitions) {
    const eligible = sorted.filter(member => member.topics.has(topic))
    if (eligible.length === 0) continue
    const name = eligible.map(member => member.memberId).join()
    const pool = pools.get(name) ?? { eligible, places: [] }
    pools.set(name, pool)
    for (let partition = 0; partition < of; partition++) pool.places.push({ topic, partition, of })
  }
  const shares = new Map<string, Map<string, Share>>(members.map(member => [member.memberId, new Map()]))
  for (const { eligible, places } of pools.values()) {
    places.sort((a, b) => a.partition / a.of - b.partition / b.of || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0))
    for (const [index, { topic, partition }] of places.entries()) {
      const owner = eligible[Math.floor((index * eligible.length) / places.length)]!
      const own = shares.get(owner.memberId)!
      const share = own.get(topic) ?? { topic, partitions: [] }
      own.set(topic, share)
      share.partitions.push(partition)
    }
  }
  return new Map([...shares].map(([memberId, own]) => [memberId, [...own.values()]]))
}
