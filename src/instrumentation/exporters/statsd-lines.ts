import { DataPointType, type MetricData, type ResourceMetrics } from '@opentelemetry/sdk-metrics'

/** Below what a datagram holds on Ethernet without being cut in pieces. */
const MAX_DATAGRAM_BYTES = 1_432

/**
 * Metrics as lines of DogStatsD, version 1.0, with the names and labels of the catalog: a counter's rise (`c`), a gauge (`g`), and of a
 * histogram a distribution (`d`): of each bucket one value, its upper bound, with the sample rate that says how often.
 * @param metrics with rises since the time before, not sums since the start.
 * https://docs.datadoghq.com/developers/dogstatsd/datagram_shell
 */
export function statsdLines(metrics: ResourceMetrics): string[] {
  return metrics.scopeMetrics.flatMap(scope => scope.metrics.flatMap(linesOf))
}

function linesOf(metric: MetricData): string[] {
  const { name } = metric.descriptor
  if (metric.dataPointType === DataPointType.HISTOGRAM)
    return metric.dataPoints.flatMap(({ value: { buckets, max, sum, count }, attributes }) => {
      // Beyond the last bound stands the largest that there was, where it is known.
      const last = max ?? (sum ?? 0) / count
      return buckets.counts.flatMap((times, i) =>
        times === 0 ? [] : [`${name}:${numberText(buckets.boundaries[i] ?? last)}|d${rateText(times)}${tags(attributes)}`],
      )
    })
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM)
    throw new TypeError(`${name} is a histogram of a kind that the catalog does not have.`)
  const isCounter = metric.dataPointType === DataPointType.SUM
  return metric.dataPoints.flatMap(({ value, attributes }) =>
    isCounter && value === 0 ? [] : [`${name}:${numberText(value)}|${isCounter ? 'c' : 'g'}${tags(attributes)}`],
  )
}

/** Rounded down: the receiver counts 1 / rate whole times. */
function rateText(times: number): string {
  return times === 1 ? '' : `|@${(Math.floor(1e12 / times) / 1e12).toFixed(12)}`
}

function tags(attributes: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(attributes).map(([label, value]) => `${label}:${String(value).replace(/[,|\n]/g, '_')}`)
  return pairs.length === 0 ? '' : `|#${pairs.join(',')}`
}

/** Without an exponent, which not every receiver reads. */
function numberText(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(12).replace(/\.?0+$/, '') : text
}

/** Whole lines, as many as fit into a datagram. */
export function datagrams(lines: readonly string[]): string[] {
  const all: string[] = []
  let text = ''
  for (const line of lines) {
    if (text !== '' && Buffer.byteLength(text) + Buffer.byteLength(line) + 1 > MAX_DATAGRAM_BYTES) {
      all.push(text)
      text = ''
    }
    text += text === '' ? line : `\n${line}`
  }
  if (text !== '') all.push(text)
  return all
}
