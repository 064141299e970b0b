import { hostname } from 'node:os'
import { defaultResource, detectResources, envDetector, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { Clock } from '../clock.ts'
import type { EngineView } from '../engine/engine.ts'
import type { DataId } from '../envelope/data-id.ts'
import { Deliveries } from '../instrumentation/exporters/deliveries.ts'
import { type Exporters, openExporters } from '../instrumentation/exporters/open.ts'
import { type SpanOutcome, SpanSender } from '../instrumentation/exporters/span-sender.ts'
import { Tracer } from '../instrumentation/exporters/tracer.ts'
import type { Instruments } from '../instrumentation/instruments.ts'
import type { Exporting } from '../instrumentation/metrics.ts'
import { Budget, scanRange } from '../trace/scan.ts'
import type { OutputRange } from '../trace/trace.ts'
import type { ExportSettings } from './export-settings.ts'
import type { Log } from './log.ts'

interface OpenExports {
  readonly exporting: Omit<Exporting, 'clock'>
  readonly exporters: Exporters
  readonly deliveries: Deliveries
}

/** Opens what is set, and says on the log when something does not arrive. @throws CLIENT_MISSING */
export async function openExports(
  settings: ExportSettings,
  who: { readonly pipeline: string; readonly roles: readonly string[]; readonly log: Log },
): Promise<OpenExports> {
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

/** What one look at what a datum became may read. */
const LOOK_BYTES = 1_048_576
const LOOKUPS = 100

/** Makes traces of some of the data that this process accepts, where there is somebody to send them to. */
export function openTracer(
  { exporters, exporting, deliveries }: OpenExports,
  perSecond: number,
  on: { readonly engine: EngineView; readonly instruments: Instruments; readonly clock: Clock },
): Tracer | undefined {
  const { spans } = exporters
  if (spans === undefined || perSecond === 0) return undefined
  const { engine, instruments, clock } = on
  const settled = (outcome: SpanOutcome, count: number, error?: unknown) => {
    instruments.spans(outcome, count)
    if (outcome !== 'dropped') deliveries.note('Traces by OTLP', spans.to, error)
  }
  const madeOf = async (dataId: DataId, ranges: readonly OutputRange[]) => {
    const budget = new Budget(LOOK_BYTES, LOOKUPS)
    const scanned = await Promise.all(ranges.map(range => scanRange(engine, range, dataId, budget)))
    return scanned.flat().filter(({ cause }) => cause === dataId)
  }
  const sender = new SpanSender({ exporter: spans, settled })
  return new Tracer({ view: engine, madeOf, sender, resource: exporting.resource, perSecond, clock })
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before what is known here. */
function resourceOf(pipeline: string, roles: readonly string[]): Resource {
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
