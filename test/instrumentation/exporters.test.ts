import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { emptyResource } from '@opentelemetry/resources'
import { AggregationTemporality, MeterProvider, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { describe, expect, test } from 'vitest'
import { Deliveries } from '../../src/instrumentation/exporters/deliveries.ts'
import { openDogstatsd } from '../../src/instrumentation/exporters/dogstatsd.ts'
import type { MetricsExporter } from '../../src/instrumentation/exporters/exporter.ts'
import { openExporters } from '../../src/instrumentation/exporters/open.ts'
import { PullReader, Push } from '../../src/instrumentation/exporters/push.ts'
import { datagrams, statsdLines } from '../../src/instrumentation/exporters/statsd-lines.ts'
import { otlpEndpointIn } from '../../src/runtime/export-settings.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const settle = () => new Promise<void>(resolve => setImmediate(resolve))

/** What a reader of rises collects after `record`. */
async function collected(record: (meter: ReturnType<MeterProvider['getMeter']>) => void): Promise<ResourceMetrics> {
  const reader = new PullReader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA })
  record(new MeterProvider({ readers: [reader], resource: emptyResource() }).getMeter('test'))
  return (await reader.collect()).resourceMetrics
}

describe('DogStatsD', () => {
  test('a counter is its rise, a gauge its value, a histogram how often each bucket was hit', async () => {
    const metrics = await collected(meter => {
      meter.createCounter('sent_total').add(41, { topic: 'a,b|c', outcome: 'accepted' })
      meter.createCounter('still_total').add(0)
      meter.createGauge('late_seconds').record(2e-7)
      const seconds = meter.createHistogram('wait_seconds', { advice: { explicitBucketBoundaries: [0.1, 1] } })
      for (const value of [0.05, 0.5, 0.6, 0.7, 9]) seconds.record(value)
    })
    expect(statsdLines(metrics)).toEqual([
      'sent_total:41|c|#topic:a_b_c,outcome:accepted',
      'late_seconds:0.0000002|g',
      'wait_seconds:0.1|d',
      'wait_seconds:1|d|@0.333333333333',
      'wait_seconds:9|d',
    ])
  })

  test('lines are never cut in two, and a datagram fits an Ethernet frame', () => {
    const lines = Array.from({ length: 500 }, (_, i) => `metric_${i}:${i}|c|#agent:forecast`)
    const all = datagrams(lines)
    expect(all.join('\n').split('\n')).toEqual(lines)
    expect(Math.max(...all.map(text => Buffer.byteLength(text)))).toBeLessThanOrEqual(1_432)
  })

  test('a receiver that comes back after it was away is sent to again', async () => {
    const receiver = createSocket('udp4')
    receiver.bind(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const exporter = openDogstatsd({ host: '127.0.0.1', port }, 1_000)
    const metrics = () => collected(meter => meter.createCounter('x_total').add(1))
    const arrives = once(receiver, 'message')
    await exporter.send(await metrics())
    expect(String((await arrives)[0])).toBe('x_total:1|c')
    await new Promise<void>(resolve => receiver.close(() => resolve()))
    await expect
      .poll(async () =>
        exporter.send(await metrics()).then(
          () => 'sent',
          error => error.code,
        ),
      )
      .toBe('ECONNREFUSED')
    const again = createSocket('udp4')
    again.bind(port, '127.0.0.1')
    await once(again, 'listening')
    const comes = once(again, 'message')
    await expect.poll(async () => exporter.send(await metrics()).then(() => 'sent', String)).toBe('sent')
    await comes
    await exporter.close()
    await new Promise<void>(resolve => again.close(() => resolve()))
  })
})

describe('a push', () => {
  test('is never made twice at once, counts what fails, and sends what has happened since when it closes', async () => {
    const clock = new VirtualClock({ startMs: 0, settle })
    const told: unknown[] = []
    const sums: unknown[] = []
    let hold: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>()
    const exporter: MetricsExporter = {
      ...{ name: 'otlp', to: 'there', intervalMs: 1_000, temporality: () => AggregationTemporality.CUMULATIVE },
      async send(metrics) {
        sums.push(metrics.scopeMetrics[0]?.metrics[0]?.dataPoints[0]?.value)
        await hold?.promise
      },
      close: async () => undefined,
    }
    const push = new Push({ exporter, clock, maxSeries: 10, delivered: (_exporter, error) => told.push(error) })
    const counter = new MeterProvider({ readers: [push.reader], resource: emptyResource() }).getMeter('test').createCounter('x_total')
    counter.add(1)
    await clock.advance('5s')
    await expect.poll(() => sums).toEqual([1])
    const away = new Error('away')
    hold.reject(away)
    hold = undefined
    await expect.poll(() => told).toEqual([away])
    counter.add(1)
    await push.close()
    expect([sums, told]).toEqual([
      [1, 2],
      [away, undefined],
    ])
  })

  test('says once that a receiver is away, and once that it is back', () => {
    const said: string[] = []
    const deliveries = new Deliveries({ warn: text => said.push(text), info: text => said.push(text) })
    for (const error of [undefined, new Error('ECONNREFUSED'), new Error('ECONNREFUSED'), undefined, undefined])
      deliveries.note('Metrics by OTLP', 'http://there', error)
    expect(said).toEqual([
      'Metrics by OTLP do not reach http://there: ECONNREFUSED. Data flow on, and it is tried again and again.',
      'Metrics by OTLP reach http://there again.',
    ])
  })
})

describe('what is set', () => {
  test('OpenTelemetry’s own variables name the receiver, leave a signal out, and are refused for a protocol that is not spoken', async () => {
    expect(otlpEndpointIn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318' })).toBe('http://a:4318')
    expect(otlpEndpointIn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_SDK_DISABLED: 'true' })).toBeUndefined()
    expect(() => otlpEndpointIn({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(
      /http\/protobuf/,
    )
    const { metrics, spans } = await openExporters({ otlp: 'http://user:secret@a:4318/base/' }, { OTEL_TRACES_EXPORTER: 'none' })
    expect([metrics.map(({ to }) => to), spans]).toEqual([['http://a:4318/base/v1/metrics'], undefined])
    for (const exporter of metrics) await exporter.close()
  })
})
