import type { Attributes } from '@opentelemetry/api'
import { METRICS, type MetricSpec } from '../catalog.ts'
import type { SloReading } from './meter.ts'

/** Exports objectives. In a process that measures none there is nothing of them: figures of nothing are not to be mistaken for good ones. */
export function observeSlos(slos: readonly SloReading[], put: (spec: MetricSpec, value: number, labels: Attributes) => void): void {
  for (const { slo, isMeasured, good, total, unmeasured, overdue, burn, budgetLeft, p50Ms, p99Ms } of slos) {
    if (!isMeasured) continue
    const labels = { from: slo.from, to: slo.to.name, within: slo.within }
    const known = (spec: MetricSpec, value: number | undefined, more: Attributes = {}) => {
      if (value !== undefined) put(spec, value, { ...labels, ...more })
    }
    known(METRICS.sloGood, good)
    known(METRICS.sloData, total)
    known(METRICS.sloUnmeasured, unmeasured)
    known(METRICS.sloOverdue, overdue)
    known(METRICS.sloObjective, slo.share)
    known(METRICS.sloBurn, burn.fiveMinutes, { window: '5m' })
    known(METRICS.sloBurn, burn.hour, { window: '1h' })
    known(METRICS.sloBudget, budgetLeft)
    known(METRICS.sloAgeP50, seconds(p50Ms))
    known(METRICS.sloAgeP99, seconds(p99Ms))
  }
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000
}
