import type { AggregationTemporality, InstrumentType, ResourceMetrics } from '@opentelemetry/sdk-metrics'

/** Takes the metrics somewhere, all of them at once, again and again. */
export interface MetricsExporter {
  readonly name: 'otlp' | 'dogstatsd'
  /** Where to, for people. */
  readonly to: string
  readonly intervalMs: number
  /** Whether it wants sums since the start, or since the time before. */
  temporality(instrument: InstrumentType): AggregationTemporality
  /** Settles within a few seconds. @throws why they did not arrive. */
  send(metrics: ResourceMetrics): Promise<void>
  close(): Promise<void>
}

/** Between two exports where nothing else is said. */
export const EXPORT_INTERVAL_MS = 10_000
