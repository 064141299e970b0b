import type { CanaryReading } from '../instrumentation/canaries.ts'
import type { SloReading } from '../instrumentation/slo/meter.ts'
import type { Canary, Slo } from './api/health.ts'
import { iso } from './seen.ts'

/** Objectives as `GET /v1/health` gives them. */
export function slosToJson(slos: readonly SloReading[]): Slo[] {
  return slos.map(({ slo, overdue, goodShare, p50Ms, p99Ms, burn, budgetLeft, missed }) => ({
    name: slo.name,
    from: slo.from,
    to: slo.to.name,
    within_seconds: slo.withinMs / 1_000,
    share: slo.share,
    overdue,
    good_share: goodShare ?? null,
    p50_seconds: seconds(p50Ms),
    p99_seconds: seconds(p99Ms),
    burn: { five_minutes: burn.fiveMinutes ?? null, hour: burn.hour ?? null },
    budget_left: budgetLeft ?? null,
    missed,
  }))
}

/** Canaries as `GET /v1/health` gives them. */
export function canariesToJson(canaries: readonly CanaryReading[]): Canary[] {
  return canaries.map(({ path, lastMs, tookMs, overdue }) => ({
    path,
    last: lastMs === undefined ? null : iso(lastMs),
    seconds: seconds(tookMs),
    overdue,
  }))
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000
}
