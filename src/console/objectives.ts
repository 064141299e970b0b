import type { SloReading } from '../instrumentation/slo/meter.ts'
import type { Slo } from './api/health.ts'

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

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000
}
