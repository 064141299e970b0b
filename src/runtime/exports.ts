import { hostname } from 'node:os'
import { defaultResource, detectResources, envDetector, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { Deliveries } from '../instrumentation/exporters/deliveries.ts'
import { type Exporters, openExporters } from '../instrumentation/exporters/open.ts'
import type { Exporting } from '../instrumentation/metrics.ts'
import type { ExportSettings } from './export-settings.ts'
import type { Log } from './log.ts'

/** Opens what is set, and says on the log when something does not arrive. @throws CLIENT_MISSING */
export async function openExports(
  settings: ExportSettings,
  who: { readonly pipeline: string; readonly roles: readonly string[]; readonly log: Log },
): Promise<{ exporting: Omit<Exporting, 'clock'>; exporters: Exporters; deliveries: Deliveries }> {
  const exporters = await openExporters(settings, process.env)
  const deliveries = new Deliveries(who.log)
  return {
    exporting: {
      resource: resourceOf(who.pipeline, who.roles),
      exporters: exporters.metrics,
      delivered: ({ name, to }, error) => deliveries.note(`Metrics by ${name === 'otlp' ? 'OTLP' : 'DogStatsD'}`, to, error),
    },
    exporters,
    deliveries,
  }
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before what is known here. */
export function resourceOf(pipeline: string, roles: readonly string[]): Resource {
  const own = resourceFromAttributes({
    'service.name': pipeline,
    'service.namespace': 'millrace',
    'service.instance.id': `${hostname()}:${process.pid}`,
    'host.name': hostname(),
    'process.pid': process.pid,
    'millrace.roles': roles.join(','),
  })
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }))
}
