import type { EngineView } from '../../src/engine/engine.ts'
import type { Findings } from './findings.ts'
import type { Datum } from './log.ts'

/*
 * What the agents of the fault tests must have put out, computed again from the log. `handled`: the data below an agent's offset, each once.
 */

/** Each datum handled has one output, which names it; what is not handled has none. */
export function checkOutputs(agent: string, handled: readonly Datum[], outputs: readonly Datum[], findings: Findings): void {
  const causes = new Map<string, number>()
  for (const output of outputs) causes.set(output.parents[0]!, (causes.get(output.parents[0]!) ?? 0) + 1)
  for (const datum of handled) {
    const count = causes.get(datum.id) ?? 0
    if (count === 0) findings.push(`lost: ${agent} is past ${placeOf(datum)} and put nothing out for it`)
    if (count > 1) findings.push(`doubled: ${agent} put ${count} data out for ${placeOf(datum)}`)
    causes.delete(datum.id)
  }
  for (const cause of causes.keys()) findings.push(`doubled: ${agent} put something out for ${cause}, which is not below its offset`)
}

/** The totals of a station, as folded again from the log: count and sum after each datum. */
export function checkFold(handled: readonly Datum[], totals: readonly Datum[], findings: Findings): void {
  const byCause = new Map(totals.map(datum => [datum.parents[0]!, datum]))
  const state = new Map<string, { count: number; sum: number }>()
  for (const datum of handled) {
    const { station, value } = datum.value as { station: string; value: number } // the schema of readings
    const before = state.get(station) ?? { count: 0, sum: 0 }
    const now = { count: before.count + 1, sum: before.sum + value }
    state.set(station, now)
    const total = byCause.get(datum.id)?.value
    if (total !== undefined && (total.count !== now.count || total.sum !== now.sum)) {
      findings.push(
        `state: total says ${JSON.stringify(total)} after ${datum.partition}/${datum.offset}, where the log gives ${JSON.stringify(now)}`,
      )
    }
  }
}

export function checkWindow(handled: readonly Datum[], means: readonly Datum[], findings: Findings): void {
  const byCause = new Map(means.map(datum => [datum.parents[0]!, datum]))
  const windows = new Map<string, unknown[]>()
  for (const datum of handled) {
    const { station, n } = datum.value as { station: string; n: number } // the schema of readings
    const window = [...(windows.get(station) ?? []), n].slice(-3)
    windows.set(station, window)
    const mean = byCause.get(datum.id)
    if (mean !== undefined && JSON.stringify(mean.value.of) !== JSON.stringify(window)) {
      findings.push(
        `window: mean had ${JSON.stringify(mean.value.of)} at ${datum.partition}/${datum.offset}, where the log gives ${JSON.stringify(window)}`,
      )
    }
  }
}

export async function checkCache(view: Pick<EngineView, 'cache'>, handled: readonly Datum[], findings: Findings): Promise<void> {
  const expected = new Map<string, { station: string; count: number; sum: number }>()
  for (const datum of handled) {
    const { station, value } = datum.value as { station: string; value: number } // the schema of readings
    const before = expected.get(station)
    expected.set(station, { station, count: (before?.count ?? 0) + 1, sum: (before?.sum ?? 0) + value })
  }
  const cached = new Map((await view.cache('latest-totals'))?.entries.map(entry => [entry.key, entry.value]))
  for (const [station, value] of expected) {
    const found: unknown = JSON.parse(cached.get(station) ?? 'null')
    if (JSON.stringify(found) !== JSON.stringify(value)) {
      findings.push(`cache: ${station} is ${JSON.stringify(found)}, where the log gives ${JSON.stringify(value)}`)
    }
    cached.delete(station)
  }
  for (const station of cached.keys()) findings.push(`cache: ${station} has an entry and nothing was handled for it`)
}

export function placeOf({ topic, partition, offset }: Pick<Datum, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}
