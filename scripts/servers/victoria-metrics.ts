import { goModule } from './go.ts'

const SOURCE = 'github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics'

/** A receiver of OTLP metrics. */
export const victoriaMetrics = goModule({
  program: 'victoria-metrics',
  // The last that the Go of Debian’s and our machines builds.
  version: 'v1.148.9',
  how: '26 MB, about half a minute of CPU time',
  parts: [SOURCE],
  main: SOURCE,
})
