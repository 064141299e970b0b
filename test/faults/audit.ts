import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineView, Standing } from '../../src/engine/engine.ts'
import { checkAcknowledged } from './acknowledged.ts'
import { type Findings, shortened } from './findings.ts'
import { type Datum, readLog } from './log.ts'
import type { Producer } from './producer.ts'
import { checkCache, checkFold, checkOutputs, checkWindow, placeOf } from './recompute.ts'

/**
 * Compares what was acknowledged with what the log, the agents' outputs, the cache and the files hold, while nothing runs: agents may
 * be behind, but what lies below their offset took effect exactly once and what lies above it not at all.
 */
export async function audit(view: EngineView, lake: string, producers: readonly Producer[]): Promise<Findings> {
  const findings: Findings = []
  const standings = await view.standings()
  const readings = await readLog(view, 'readings')
  const totals = await readLog(view, 'totals')

  checkAcknowledged(readings, producers, findings)
  checkLedger(standings, findings)
  const handled = (group: string) => readings.filter(datum => datum.offset < committed(standings, group, datum))
  checkOutputs('total', handled('total@1'), totals, findings)
  checkOutputs('mean', handled('mean@1'), await readLog(view, 'means'), findings)
  checkOutputs('echo', handled('echo@1'), await readLog(view, 'echoes'), findings)
  checkOutputs('remote-mean', handled('remote-mean@1'), await readLog(view, 'remote-means'), findings)
  checkFold(handled('total@1'), totals, findings)
  checkWindow(handled('mean@1'), await readLog(view, 'means'), findings)
  checkWindow(handled('remote-mean@1'), await readLog(view, 'remote-means'), findings)
  await checkCache(view, handled('total@1'), findings)
  checkFiles(lake, standings, [...readings, ...totals], findings)
  return shortened(findings)
}

/** How far everything is: what has not been handled by every agent. 0 at rest. */
export async function behind(view: Pick<EngineView, 'standings'>): Promise<number> {
  const standings = await view.standings()
  return standings.reduce((sum, standing) => sum + standing.next - standing.checkpoint.offset, 0)
}

function committed(standings: readonly Standing[], group: string, at: Pick<Datum, 'topic' | 'partition'>): number {
  const standing = standings.find(({ group: name, topic, partition }) => name === group && topic === at.topic && partition === at.partition)
  return standing?.checkpoint.offset ?? 0
}

export function checkLedger(standings: readonly Standing[], findings: Findings): void {
  for (const { group, topic, partition, checkpoint } of standings) {
    const { first, offset, done, dead, duplicate, lost } = checkpoint
    if (offset - first !== done + dead + duplicate + lost) findings.push(`ledger: ${group} does not balance on ${topic}/${partition}`)
    if (dead + duplicate + lost > 0) {
      findings.push(`ledger: ${group} counts ${dead} dead, ${duplicate} duplicate, ${lost} lost on ${topic}/${partition}`)
    }
  }
}

/** Each datum below the lake's offset is in one file, once; above it only what a roll that has begun may have written. */
export function checkFiles(lake: string, standings: readonly Standing[], data: readonly Datum[], findings: Findings): void {
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
    const place = placeOf(datum)
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
