import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withoutPackage } from '../without-package.ts'

it.each(['@opentelemetry/exporter-metrics-otlp-proto', '@opentelemetry/exporter-trace-otlp-proto'])(
  '--otlp says what to install where there is no %s, and DogStatsD needs nothing',
  async name => {
    const source = join(import.meta.dirname, '../../src/instrumentation/exporters/open.ts')
    const script = `
    import { openExporters } from '${source}'
    await openExporters({ otlp: 'http://127.0.0.1:4318' }, {}).catch(({ code, fix }) => console.log(code, fix))
    const { metrics } = await openExporters({ dogstatsd: { host: '127.0.0.1', port: 8125 } }, {})
    console.log(metrics.map(exporter => exporter.name).join())`
    expect(await withoutPackage(name, script)).toMatch(
      /^CLIENT_MISSING Run: npm install @opentelemetry\/exporter-metrics-otlp-proto@0\.223 @opentelemetry\/exporter-trace-otlp-proto@0\.223; .*\ndogstatsd\n$/,
    )
  },
)
