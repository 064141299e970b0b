import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineView, Standing } from '../../src/engine/engine.ts'
import { formatId, ID_BYTES } from '../../src/envelope/data-id.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import type { Producer } from './producer.ts'

const READ_BYTES = 4_000_000
/** Enough to see what went wrong. */
const MOST_FINDINGS = 20

interface Datum {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly parents: readonly string[]
  readonly value: Record<string, unknown>
}

/** What is wrong, each as a sentence; empty where nothing is lost and nothing doubled. */
export type Findings = string[]

/**
 * Compares what was acknowledged with what the log, the agents' outputs, the cache and the files hold, while nothing runs: agents may
 * be behind, but what lies below their offset took effect exactly once and what lies above it not at all.
 */
export async function audit(view: EngineView, lake: string, producers: readonly Producer[]): Promise<Findings> {
  const findings: Findings = []
  const standings = await view.standings()
  const readings = await log(view, 'readings')
  const totals = await log(view, 'totals')

  checkAcknowledged(readings, producers, findings)
  checkLedger(standings, findings)
  const handled = (group: string) => readings.filter(datum => datum.offset < committed(standings, group, datum))
  checkOutputs('total', handled('total@1'), totals, findings)
  checkOutputs('mean', handled('mean@1'), await log(view, 'means'), findings)
  checkOutputs('echo', handled('echo@1'), await log(view, 'echoes'), findings)
  checkFold(handled('total@1'), totals, findings)
  checkWindow(handled('mean@1'), await log(view, 'means'), findings)
  await checkCache(view, handled('total@1'), findings)
  checkFiles(lake, standings, [...readings, ...totals], findings)
  if (findings.length <= MOST_FINDINGS) return findings
  return [...findings.slice(0, MOST_FINDINGS), `and ${findings.length - MOST_FINDINGS} more`]
}

/** How far everything is: what has not been handled by every agent. 0 at rest. */
export async function behind(view: Pick<EngineView, 'standings'>): Promise<number> {
  const standings = await view.standings()
  return standings.reduce((sum, standing) => sum + standing.next - standing.checkpoint.offset, 0)
}

async function log(view: EngineView, topic: string): Promise<Datum[]> {
  const data: Datum[] = []
  // A process killed while it started may not have made its topics yet.
  if (!(await view.topics()).some(spec => spec.name === topic)) return data
  for (const [partition, { first }] of (await view.bounds(topic)).entries()) {
    for (let offset = first; ; ) {
      const batch = await view.read(topic, partition, offset, READ_BYTES)
      if (batch.count === 0) break
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) {
        const { parents } = cursor
        const ids = Array.from({ length: cursor.parentCount }, (_, i) => formatId(parents, i * ID_BYTES))
        data.push({
          id: cursor.dataId,
          topic,
          partition,
          offset: batch.first + cursor.index,
          parents: ids,
          value: JSON.parse(cursor.dataText),
        })
      }
      offset = batch.first + batch.count
    }
  }
  return data
}

function committed(standings: readonly Standing[], group: string, at: Pick<Datum, 'topic' | 'partition'>): number {
  const standing = standings.find(({ group: name, topic, partition }) => name === group && topic === at.topic && partition === at.partition)
  return standing?.checkpoint.offset ?? 0
}

function checkAcknowledged(readings: readonly Datum[], producers: readonly Producer[], findings: Findings): void {
  const ids = new Map<string, Datum>()
  for (const datum of readings) {
    if (ids.has(datum.id)) findings.push(`doubled: reading ${datum.id} is in the log twice`)
    ids.set(datum.id, datum)
  }
  const times = new Map<unknown, number>()
  for (const datum of readings) times.set(datum.value.n, (times.get(datum.value.n) ?? 0) + 1)
  for (const producer of producers) {
    for (const [id, n] of producer.acknowledged) {
      if (ids.get(id)?.value.n !== n) findings.push(`lost: reading ${n} was acknowledged as ${id} and is not in the log`)
    }
    for (const n of producer.withId) {
      if ((times.get(n) ?? 0) > 1) findings.push(`doubled: reading ${n} was sent with an id and is in the log ${times.get(n)} times`)
    }
  }
}

function checkLedger(standings: readonly Standing[], findings: Findings): void {
  for (const { group, topic, partition, checkpoint } of standings) {
    const { first, offset, done, dead, duplicate, lost } = checkpoint
    if (offset - first !== done + dead + duplicate + lost) findings.push(`ledger: ${group} does not balance on ${topic}/${partition}`)
    if (dead + duplicate + lost > 0) {
      findings.push(`ledger: ${group} counts ${dead} dead, ${duplicate} duplicate, ${lost} lost on ${topic}/${partition}`)
    }
  }
}

/** Each datum handled has one output, which names it; what is not handled has none. */
function checkOutputs(agent: string, handled: readonly Datum[], outputs: readonly Datum[], findings: Findings): void {
  const causes = new Map<string, number>()
  for (const output of outputs) causes.set(output.parents[0]!, (causes.get(output.parents[0]!) ?? 0) + 1)
  for (const datum of handled) {
    const count = causes.get(datum.id) ?? 0
    if (count === 0) findings.push(`lost: ${agent} is past ${datum.topic}/${datum.partition}/${datum.offset} and put nothing out for it`)
    if (count > 1) findings.push(`doubled: ${agent} put ${count} data out for ${datum.topic}/${datum.partition}/${datum.offset}`)
    causes.delete(datum.id)
  }
  for (const cause of causes.keys()) findings.push(`doubled: ${agent} put something out for ${cause}, which is not below its offset`)
}

/** The totals of a station, as folded again from the log: count and sum after each datum. */
function checkFold(handled: readonly Datum[], totals: readonly Datum[], findings: Findings): void {
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

function checkWindow(handled: readonly Datum[], means: readonly Datum[], findings: Findings): void {
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

async function checkCache(view: EngineView, handled: readonly Datum[], findings: Findings): Promise<void> {
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

/** Each datum below the lake's offset is in one file, once; above it only what a roll that has begun may have written. */
function checkFiles(lake: string, standings: readonly Standing[], data: readonly Datum[], findings: Findings): void {
  const stored = new Map<string, number>()
  for (const path of filesIn(lake)) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue
      const { data_id } = JSON.parse(line) as { data_id: string } // an envelope
      stored.set(data_id, (stored.get(data_id) ?? 0) + 1)
    }
  }
  for (const datum of data) {
    const count = stored.get(datum.id) ?? 0
    const place = `${datum.topic}/${datum.partition}/${datum.offset}`
    const standing = standings.find(
      ({ group, topic, partition }) => group === 'lake@1' && topic === datum.topic && partition === datum.partition,
    )
    const { offset = 0, intent } = standing?.checkpoint ?? {}
    if (count > 1) findings.push(`doubled: ${place} is in the files ${count} times`)
    if (count === 0 && datum.offset < offset) findings.push(`lost: ${place} is below the lake's offset and in no file`)
    if (count > 0 && datum.offset >= Math.max(offset, intent?.end ?? 0)) findings.push(`files: ${place} is in a file and in no roll`)
    stored.delete(datum.id)
  }
  for (const id of stored.keys()) findings.push(`files: ${id} is in a file and not in the log`)
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ndjson') && !entry.name.startsWith('.'))
    .map(entry => join(entry.parentPath, entry.name))
}
