/**
 * Makes docs/metrics.md from the catalog: node scripts/metrics-page.ts
 */
import { writeFileSync } from 'node:fs'
import { METRICS, type MetricSpec, SECONDS_BUCKETS } from '../src/instrumentation/catalog.ts'
import { LABELS } from '../src/instrumentation/labels.ts'

export const METRICS_PAGE = new URL('../docs/metrics.md', import.meta.url)

/** What the first word of a name says it is about, in the order of the page. */
const PARTS: readonly (readonly [prefix: string, title: string])[] = [
  ['millrace_frontend_', 'Front end'],
  ['millrace_stream_', 'Stream'],
  ['millrace_agents_', 'Agents and storage agents'],
  ['millrace_ledger_', 'Ledger'],
  ['millrace_slo_', 'Objectives'],
  ['millrace_canary_', 'Canaries'],
  ['millrace_', 'Engine and instrumentation'],
  ['', 'Process'],
]

const KINDS = {
  counter: 'only rises, and begins at 0 with the process; read its rate',
  gauge: 'how it is now',
  histogram: `\`_bucket\` (label \`le\`), \`_sum\` and \`_count\`; bounds in seconds: ${SECONDS_BUCKETS.join(', ')}`,
}

export function metricsPage(): string {
  const specs = Object.values<MetricSpec>(METRICS)
  const partOf = (spec: MetricSpec) => PARTS.find(([prefix]) => spec.name.startsWith(prefix))
  const sections = PARTS.flatMap(part => {
    const rows = specs.filter(spec => partOf(spec) === part).map(rowOf)
    return rows.length === 0
      ? []
      : [`## ${part[1]}\n\n| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n${rows.join('\n')}`]
  })
  const labels = Object.entries(LABELS).map(([name, { values, bound }]) => {
    return `| \`${name}\` | ${values === undefined ? bound : `${values.map(value => `\`${value}\``).join(', ')}${bound === '' ? '' : `: ${bound}`}`} |`
  })
  return `# Metrics

<!-- Made by scripts/metrics-page.ts from src/instrumentation/catalog.ts; a test fails while they differ. -->

Every metric that a process of Millrace exports, by name, in Prometheus' text and through OTLP and DogStatsD alike. What they are for is on the page of
[instrumentation](instrumentation.md).

- A name is the part, what is measured, and the base unit: seconds, bytes, or what is counted. \`_total\` only rises.
- Labels are bounded by the declarations and by small sets of words. No label holds an id, a source, a key or an offset.
- More than 4,000 series of one metric are counted together, under \`otel_metric_overflow="true"\`.
- Figures of the stream (\`millrace_stream_*\`, lag, expired, the ledger) are the whole pipeline's, and every process gives the same: take \`max\` of them over processes.
  All others are of one process: take \`sum\`.

| Type | Is |
|---|---|
${Object.entries(KINDS)
  .map(([kind, text]) => `| ${kind} | ${text} |`)
  .join('\n')}

| Label | Values |
|---|---|
${labels.join('\n')}

${sections.join('\n\n')}
`
}

function rowOf({ name, kind, unit, labels, help }: MetricSpec): string {
  return `| \`${name}\` | ${kind} | \`${unit}\` | ${labels.length === 0 ? 'none' : labels.map(label => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`
}

if (import.meta.main) writeFileSync(METRICS_PAGE, metricsPage())
