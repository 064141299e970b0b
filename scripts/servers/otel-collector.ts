import { join } from 'node:path'
import { goModule } from './go.ts'

const CORE = 'go.opentelemetry.io/collector'
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib'

/** OpenTelemetry's own receiver of metrics and traces, put together of its parts, as all its distributions are. */
export const otelCollector = goModule({
  program: 'otel-collector',
  // The last of which all parts are to be had.
  version: 'v0.161.0',
  how: '34 MB, about two minutes of CPU time',
  parts: [`${CORE}/otelcol`, `${CORE}/receiver/otlpreceiver`, `${CORE}/exporter/otlphttpexporter`, `${CONTRIB}/exporter/fileexporter`],
  main: join(import.meta.dirname, 'otel-collector', 'main.go'),
})
