import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

/** The last of which all parts are to be had. */
const VERSION = 'v0.161.0'
const CORE = 'go.opentelemetry.io/collector'
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib'
const PARTS = [
  `${CORE}/otelcol`,
  `${CORE}/receiver/otlpreceiver`,
  `${CORE}/exporter/otlphttpexporter`,
  `${CONTRIB}/exporter/fileexporter`,
].map(part => `${part}@${VERSION}`)
const SOURCE = join(import.meta.dirname, 'otel-collector', 'main.go')
const FILE = cacheFolder('bin', 'otel-collector')

/** OpenTelemetry's own receiver of metrics and traces, put together of its parts, as all its distributions are. */
export const otelCollector: Step = {
  name: `otel-collector ${VERSION}`,
  how: 'by go build, 34 MB, about two minutes of CPU time',
  present: () => existsSync(FILE),
  install: () => {
    need('go', 'to build the OpenTelemetry Collector', 'https://go.dev/dl')
    const partial = cacheFolder('otel-collector.partial')
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    copyFileSync(SOURCE, join(partial, 'main.go'))
    run('go', ['mod', 'init', 'servers'], { cwd: partial })
    run('go', ['get', ...PARTS], { cwd: partial })
    run('go', ['build', '-mod=mod', '-trimpath', '-ldflags=-s -w', '-o', 'otel-collector', '.'], { cwd: partial })
    mkdirSync(cacheFolder('bin'), { recursive: true })
    renameSync(join(partial, 'otel-collector'), FILE)
    rmSync(partial, { recursive: true })
  },
}
