import type { Canary, Slo } from '../console/api/health.ts'
import { paint } from './output.ts'
import { lengthText, table } from './table.ts'

/** The table of `millrace slo`. */
export function drawSlos(slos: readonly Slo[]): string {
  if (slos.length === 0) return ''
  return table(
    ['OBJECTIVE', 'WITHIN', 'SHARE', 'IN TIME', 'P50', 'P99', 'OVERDUE', 'BURN 5 MIN', 'BURN 1 H', 'BUDGET LEFT', 'STATE'],
    slos.map(slo => [
      slo.name,
      lengthText(slo.within_seconds * 1_000),
      percent(slo.share),
      percent(slo.good_share),
      time(slo.p50_seconds),
      time(slo.p99_seconds),
      slo.overdue,
      rate(slo.burn.five_minutes),
      rate(slo.burn.hour),
      percent(slo.budget_left),
      stateOf(slo),
    ]),
  )
}

/** How long canaries took, beneath it. */
export function drawCanaries(canaries: readonly Canary[]): string {
  if (canaries.length === 0) return ''
  return table(
    ['CANARY', 'TOOK', 'ARRIVED', 'STATE'],
    canaries.map(({ path, seconds, last, overdue }) => [
      path,
      time(seconds),
      last ?? '-',
      overdue ? paint('red', 'overdue') : last === null ? 'on its way' : 'arrived',
    ]),
  )
}

function stateOf({ missed, good_share }: Slo): string {
  if (missed) return paint('red', 'missed')
  return good_share === null ? 'no data' : 'kept'
}

/** Four digits: 99.99 % is another thing than 100 %. Towards less, so that what is not whole is not shown so. */
function percent(share: number | null): string {
  return share === null ? '-' : `${Math.floor(share * 10_000 + 1e-6) / 100} %`
}

function rate(burn: number | null): string {
  return burn === null ? '-' : String(Math.round(burn * 100) / 100)
}

function time(seconds: number | null): string {
  return seconds === null ? '-' : lengthText(seconds * 1_000)
}
