import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

/** The last that the Go of Debian’s and our machines builds. */
const VERSION = 'v1.148.9'
const MODULE = 'github.com/VictoriaMetrics/VictoriaMetrics'
const FILE = cacheFolder('bin', 'victoria-metrics')

/** A receiver of OTLP metrics. Its module replaces others, which `go install` refuses: it is built as part of an empty one. */
export const victoriaMetrics: Step = {
  name: `victoria-metrics ${VERSION}`,
  how: 'by go build, 26 MB, about half a minute of CPU time',
  present: () => existsSync(FILE),
  install: () => {
    need('go', 'to build victoria-metrics', 'https://go.dev/dl')
    const partial = cacheFolder('victoria-metrics.partial')
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    run('go', ['mod', 'init', 'servers'], { cwd: partial })
    run('go', ['get', `${MODULE}/app/victoria-metrics@${VERSION}`], { cwd: partial })
    run('go', ['build', '-trimpath', '-o', 'victoria-metrics', `${MODULE}/app/victoria-metrics`], { cwd: partial })
    mkdirSync(cacheFolder('bin'), { recursive: true })
    renameSync(join(partial, 'victoria-metrics'), FILE)
    rmSync(partial, { recursive: true })
  },
}
