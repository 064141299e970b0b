/** What an agent has to do. */
export interface Workload {
  /** By partition: data that arrive a second, and that wait. */
  readonly partitions: readonly { readonly arrivalPerSecond: number; readonly backlog: number }[]
  /** Busy time that one datum costs a replica, as measured; undefined where nothing was handled, so that nobody knows. */
  readonly secondsPerDatum: number | undefined
  /** Any replica may work on any datum, as programs of one agent do; else each partition is one replica's. */
  readonly shared: boolean
}

/** How many replicas a workload asks for, and the numbers that say so. */
export interface Sizing {
  /** replicas = ceil((arrival + backlog / T) / (capacity of a replica × target)), or more where partitions cannot be shared out so evenly. */
  readonly replicas: number
  readonly arrivalPerSecond: number
  readonly backlog: number
  readonly capacityPerSecond: number
  /** How busy the busiest of so many replicas would be; above {@link TARGET} where no number of them is enough. */
  readonly heaviest: number
}

/** A replica is to be busy for so much of its time: the rest is for what comes in bursts. */
export const TARGET = 0.8
/** T: what waits now is to be done in so long, beside what arrives. */
export const CATCH_UP_SECONDS = 30

/**
 * The fewest replicas, at most `most`, of which none is busier than {@link TARGET}. Partitions are indivisible, and shared out by number
 * and not by weight, so it is the busiest replica that counts and not the mean. Where no number is enough, the smallest that comes as near as any.
 * @returns undefined where nothing is known of what a datum costs.
 */
export function sizeFor({ partitions, secondsPerDatum, shared }: Workload, most: number): Sizing | undefined {
  const arrivalPerSecond = partitions.reduce((sum, partition) => sum + partition.arrivalPerSecond, 0)
  const backlog = partitions.reduce((sum, partition) => sum + partition.backlog, 0)
  const isIdle = arrivalPerSecond + backlog === 0
  if (!isIdle && (secondsPerDatum === undefined || secondsPerDatum <= 0)) return undefined
  const cost = isIdle ? 0 : (secondsPerDatum ?? 0)
  const loads = partitions.map(partition => (partition.arrivalPerSecond + partition.backlog / CATCH_UP_SECONDS) * cost)
  const whole = loads.reduce((sum, load) => sum + load, 0)
  const heaviestOf = (replicas: number) => (shared ? whole / replicas : heaviestShare(loads, replicas))
  let best = { replicas: 1, heaviest: heaviestOf(1) }
  for (let replicas = 2; replicas <= most && best.heaviest > TARGET; replicas++) {
    const heaviest = heaviestOf(replicas)
    if (heaviest < best.heaviest) best = { replicas, heaviest }
  }
  return { ...best, arrivalPerSecond, backlog, capacityPerSecond: cost === 0 ? Number.POSITIVE_INFINITY : 1 / cost }
}

/** The load of the busiest replica, partitions being shared out in ranges as `engine/embedded/assignment.ts` does. */
export function heaviestShare(loads: readonly number[], replicas: number): number {
  const sums = new Array<number>(replicas).fill(0)
  for (const [index, load] of loads.entries()) sums[Math.floor((index * replicas) / loads.length)]! += load
  return Math.max(...sums)
}
