import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Stands for a machine on which the package was never installed: nothing finds it. */
const WITHOUT = (name: string) => `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === '${name}') throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(specifier, context)
    },
  })`

it.each(['@opentelemetry/exporter-metrics-otlp-proto', '@opentelemetry/exporter-trace-otlp-proto'])(
  '--otlp says what to install where there is no %s, and DogStatsD needs nothing',
  async name => {
    const source = join(import.meta.dirname, '../../src/instrumentation/exporters/open.ts')
    const script = `
    import { openExporters } from '${source}'
    await openExporters({ otlp: 'http://127.0.0.1:4318' }, {}).catch(({ code, fix }) => console.log(code, fix))
    const { metrics } = await openExporters({ dogstatsd: { host: '127.0.0.1', port: 8125 } }, {})
    console.log(metrics.map(exporter => exporter.name).join())`
    const hooks = `data:text/javascript,${encodeURIComponent(WITHOUT(name))}`
    const args = [...process.execArgv, '--import', hooks, '--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toMatch(
      /^CLIENT_MISSING Run: npm install @opentelemetry\/exporter-metrics-otlp-proto@0\.223 @opentelemetry\/exporter-trace-otlp-proto@0\.223; .*\ndogstatsd\n$/,
    )
  },
)
