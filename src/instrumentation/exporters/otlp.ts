import type { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { MillraceError } from '../../errors.ts'
import type { MetricsExporter } from './exporter.ts'

export type Environment = Readonly<Record<string, string | undefined>>
/** A span as the client takes it. */
export type Span = Parameters<OTLPTraceExporter['export']>[0][number]

export interface SpanExporter {
  readonly to: string
  /** Settles within a few seconds. @throws why they did not arrive. */
  send(spans: readonly Span[]): Promise<void>
  close(): Promise<void>
}

/** For one delivery with its repetitions; OTEL_EXPORTER_OTLP_TIMEOUT goes before it. */
const TIMEOUT_MS = 5_000

/**
 * The clients are the user's to install. Headers, certificates, compression, timeout and temporality are read from OTEL_EXPORTER_OTLP_* by
 * them; `OTEL_METRICS_EXPORTER=none` and `OTEL_TRACES_EXPORTER=none` leave one of the two out.
 * @param url of the receiver, without the signals' paths. @throws CLIENT_MISSING
 */
export async function openOtlp(
  url: string,
  env: Environment,
  intervalMs: number,
): Promise<{ metrics?: MetricsExporter; spans?: SpanExporter }> {
  const timeout = (signal: string) =>
    (env.OTEL_EXPORTER_OTLP_TIMEOUT ?? env[`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`]) === undefined ? { timeoutMillis: TIMEOUT_MS } : {}
  const urlOf = (signal: 'METRICS' | 'TRACES') =>
    env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? `${url.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`
  const { Metrics, Traces } = await loadClients()
  return {
    ...(env.OTEL_METRICS_EXPORTER === 'none'
      ? {}
      : { metrics: metricsTo(new Metrics({ url: urlOf('METRICS'), ...timeout('METRICS') }), urlOf('METRICS'), intervalMs) }),
    ...(env.OTEL_TRACES_EXPORTER === 'none'
      ? {}
      : { spans: spansTo(new Traces({ url: urlOf('TRACES'), ...timeout('TRACES') }), urlOf('TRACES')) }),
  }
}

function metricsTo(client: OTLPMetricExporter, to: string, intervalMs: number): MetricsExporter {
  return {
    name: 'otlp',
    to: shown(to),
    intervalMs,
    temporality: instrument => client.selectAggregationTemporality(instrument),
    send: metrics => new Promise((resolve, reject) => client.export(metrics, settle(resolve, reject))),
    close: () => client.shutdown(),
  }
}

function spansTo(client: OTLPTraceExporter, to: string): SpanExporter {
  return {
    to: shown(to),
    send: spans => new Promise((resolve, reject) => client.export([...spans], settle(resolve, reject))),
    close: () => client.shutdown(),
  }
}

const SUCCESS = 0

function settle(resolve: () => void, reject: (error: Error) => void) {
  return ({ code, error }: { readonly code: number; readonly error?: Error }) => {
    if (code === SUCCESS) resolve()
    else reject(error ?? new Error('The receiver did not take them.'))
  }
}

/** A URL may hold a password. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

async function loadClients() {
  try {
    const [metrics, traces] = await Promise.all([
      import('@opentelemetry/exporter-metrics-otlp-proto'),
      import('@opentelemetry/exporter-trace-otlp-proto'),
    ])
    return { Metrics: metrics.OTLPMetricExporter, Traces: traces.OTLPTraceExporter }
  } catch (cause) {
    throw new MillraceError('CLIENT_MISSING', 'Metrics and traces are to go out by OTLP, and its clients cannot be loaded.', {
      fix: 'Run: npm install @opentelemetry/exporter-metrics-otlp-proto@0.223 @opentelemetry/exporter-trace-otlp-proto@0.223; or leave --otlp, MILLRACE_OTLP and OTEL_EXPORTER_OTLP_ENDPOINT out.',
      cause,
    })
  }
}
