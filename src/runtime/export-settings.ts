import { MillraceError } from '../errors.ts'
import type { ExportTargets } from '../instrumentation/exporters/open.ts'
import { type Read, wrong } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where metrics and traces go besides `/metrics`, as set. */
export interface ExportSettings extends ExportTargets {
  readonly tracesPerSecond: number
}

const MAX_TRACES_PER_SECOND = 100

export const otlpUrl: Read<string> = (value, name) => {
  const text = String(value)
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw wrong(name, text, "the URL of a receiver of OTLP over HTTP, such as 'http://collector:4318'")
}

export const tracesPerSecond: Read<number> = (value, name) => {
  const count = Number(value)
  if (value !== '' && count >= 0 && count <= MAX_TRACES_PER_SECOND) return count
  throw wrong(name, value, `how many data a second, from 0 to ${MAX_TRACES_PER_SECOND}`)
}

/** OpenTelemetry's own variable for it. @throws CONFIG_INVALID where it is meant for another protocol. */
export function otlpEndpointIn(env: Environment): string | undefined {
  const url = env.OTEL_EXPORTER_OTLP_ENDPOINT
  if (url === undefined || url === '' || env.OTEL_SDK_DISABLED === 'true') return undefined
  const protocol = env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf'
  if (protocol === 'http/protobuf') return url
  throw new MillraceError(
    'CONFIG_INVALID',
    `OTEL_EXPORTER_OTLP_PROTOCOL is ${JSON.stringify(protocol)}, and OTEL_EXPORTER_OTLP_ENDPOINT is for it.`,
    {
      fix: "Millrace speaks 'http/protobuf': name a receiver of that with --otlp, or leave OTEL_EXPORTER_OTLP_ENDPOINT out.",
    },
  )
}
