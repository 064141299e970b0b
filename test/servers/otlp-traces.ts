import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { otlpDefinitions } from '../../scripts/servers/otlp-decoder.ts'

/** Reads a request of base64 a line and writes it as JSON a line, by OpenTelemetry's own definitions. */
const DECODER = `
import base64, sys
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
for line in sys.stdin:
    request = ExportTraceServiceRequest()
    request.ParseFromString(base64.b64decode(line))
    print(MessageToJson(request, indent=None))
`

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string>>
  readonly failed: boolean
}

/** Takes traces by OTLP over HTTP, at `/v1/traces` of `url`. */
export interface TraceReceiver extends AsyncDisposable {
  readonly url: string
  /** Every span that has come by now. */
  spans(): readonly ReceivedSpan[]
}

export async function startTraceReceiver(): Promise<TraceReceiver> {
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request)
    bodies.push(Buffer.concat(chunks))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => decoded(bodies),
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Request {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[] }[]
}

interface RawSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, string>> }[]
  readonly status?: { readonly code?: string }
}

function decoded(bodies: readonly Buffer[]): ReceivedSpan[] {
  const text = execFileSync('python3', ['-c', DECODER], {
    env: { ...process.env, PYTHONPATH: otlpDefinitions() },
    input: bodies.map(body => body.toString('base64')).join('\n'),
    encoding: 'utf8',
  })
  const requests = text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Request)
  const spans = requests.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans)))
  const hex = (base64 = '') => Buffer.from(base64, 'base64').toString('hex')
  return spans.map(span => ({
    ...{ traceId: hex(span.traceId), spanId: hex(span.spanId), parentSpanId: hex(span.parentSpanId), name: span.name },
    ...{ startMs: Number(span.startTimeUnixNano) / 1e6, endMs: Number(span.endTimeUnixNano) / 1e6 },
    attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0])])),
    failed: span.status?.code === 'STATUS_CODE_ERROR',
  }))
}
