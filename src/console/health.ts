import type { HealthReport } from '../instrumentation/health.ts'
import type { Instruments } from '../instrumentation/instruments.ts'
import { type Ledger, ledgerOf } from '../instrumentation/ledger.ts'
import type { HealthAnswer } from './api/health.ts'
import { canariesToJson, slosToJson } from './objectives.ts'
import { iso } from './seen.ts'

/** What a process runs on, as people say it: `embedded`, or a URL without its password. And Millrace's own version. */
export interface RunsOn {
  readonly stream: string
  readonly trace: string
  readonly version: string
}

/** `GET /v1/health`. */
export async function healthNow(
  instruments: Pick<Instruments, 'sample' | 'process' | 'disk' | 'slos' | 'canaries'>,
  { ok, parts }: HealthReport,
  { stream, trace, version }: RunsOn,
  maxAgeMs: number,
): Promise<HealthAnswer> {
  const [sample, disk] = await Promise.all([instruments.sample(maxAgeMs), instruments.disk()])
  const { cores, residentBytes, loopUtilization, startSeconds } = instruments.process()
  return {
    ready: ok,
    parts: parts.map(({ part, ok, reason }) => ({ part, ok, reason: reason ?? null })),
    ledger: ledgerSummary(ledgerOf(sample.standings, sample.atMs, sample.ended)),
    slos: slosToJson(instruments.slos()),
    canaries: canariesToJson(instruments.canaries()),
    engine: { stream, trace, disk_bytes: disk?.usedBytes ?? null, disk_free_bytes: disk?.freeBytes ?? null },
    process: { cpu: cores, memory_bytes: residentBytes, event_loop: loopUtilization, started: iso(startSeconds * 1_000), version },
  }
}

/** `lost` are those that are counted, and those that have expired and will be. */
function ledgerSummary({ balanced, rows }: Ledger): HealthAnswer['ledger'] {
  return {
    balanced,
    gaps: rows.filter(({ gap }) => gap !== 0).length,
    lost: rows.reduce((sum, { lost, expired }) => sum + lost + expired, 0),
  }
}
