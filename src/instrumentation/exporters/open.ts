import { openDogstatsd } from './dogstatsd.ts'
import { EXPORT_INTERVAL_MS, type MetricsExporter } from './exporter.ts'
import { type Environment, openOtlp, type SpanExporter } from './otlp.ts'

export interface ExportTargets {
  /** A receiver of OTLP over HTTP, without the signals' paths. */
  readonly otlp?: string
  readonly dogstatsd?: { readonly host: string; readonly port: number }
}

export interface Exporters {
  readonly metrics: readonly MetricsExporter[]
  readonly spans?: SpanExporter
}

/** Nothing is connected yet: a receiver that is away keeps no process from starting. @throws CLIENT_MISSING */
export async function openExporters({ otlp, dogstatsd }: ExportTargets, env: Environment): Promise<Exporters> {
  const asked = Number(env.OTEL_METRIC_EXPORT_INTERVAL)
  const intervalMs = asked > 0 ? asked : EXPORT_INTERVAL_MS
  const byOtlp = otlp === undefined ? {} : await openOtlp(otlp, env, intervalMs)
  const metrics = [
    ...(byOtlp.metrics === undefined ? [] : [byOtlp.metrics]),
    ...(dogstatsd === undefined ? [] : [openDogstatsd(dogstatsd, intervalMs)]),
  ]
  return { metrics, ...(byOtlp.spans === undefined ? {} : { spans: byOtlp.spans }) }
}
