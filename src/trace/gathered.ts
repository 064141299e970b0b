import type { EngineView } from '../engine/engine.ts'
import type { Budget } from './scan.ts'
import type { OutputRange } from './trace.ts'

/**
 * Where the outputs of an agent that gathers lie which may hold a datum: windows and pairs are put out when later data come, of whatever key and
 * after however long, so it is everything in its topics from the datum's time on.
 */
export async function gatheredSince(
  view: Pick<EngineView, 'read' | 'bounds'>,
  topics: readonly string[],
  sinceMs: number,
  budget: Budget,
): Promise<OutputRange[]> {
  const ranges: OutputRange[] = []
  for (const topic of topics) {
    for (const [partition, { first, next }] of (await view.bounds(topic)).entries()) {
      const from = await firstSince(view, { topic, partition, first, end: next }, sinceMs, budget)
      if (from < next) ranges.push({ topic, partition, first: from, end: next })
    }
  }
  return ranges
}

/** An offset at or before the first that was appended at or after a time, by halving: appends of one partition come in the order of time. */
async function firstSince(view: Pick<EngineView, 'read'>, range: OutputRange, sinceMs: number, budget: Budget): Promise<number> {
  let low = range.first
  for (let high = range.end; high - low > 1 && budget.canRead; ) {
    await budget.breathe()
    const middle = Math.floor((low + high) / 2)
    const batch = await view.read(range.topic, range.partition, middle, 1)
    budget.spend(batch.frames.byteLength)
    if (batch.count === 0 || batch.appendedMs >= sinceMs) high = middle
    else low = middle
  }
  return low
}
