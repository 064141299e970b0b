import { join } from 'node:path'
import type { Command } from 'commander'
import { resolveConfig } from '../runtime/config.ts'
import { shownUrl } from '../runtime/connections.ts'
import { runPipeline } from '../runtime/run.ts'
import { optionsOf, outputOf } from './command.ts'
import { EXIT } from './exit.ts'
import { untilInterrupted } from './interrupt.ts'
import { formatFor, openLog } from './log.ts'
import { report } from './report.ts'
import type { RunOptions } from './run-flags.ts'

/** Runs a pipeline until Ctrl-C or SIGTERM, then drains and ends with 0; with 1 where it could not go on. */
export async function run(file: string, dev: boolean, command: Command): Promise<void> {
  const options = optionsOf<RunOptions>(command)
  const output = outputOf(options)
  const { listen, ops, opsOpen, opsUrl, oidcIssuer, oidcClientId, attach, data, page, size } = options
  const { stream, trace, role, agents, spill, otlp, otlpTraces, dogstatsd, log: logFormat } = options
  const flags = {
    ...{ listen, ops, opsOpen, opsUrl, oidcIssuer, oidcClientId, attach, data, page, size },
    ...{ stream, trace, role, agents, spill, otlp, otlpTraces, dogstatsd, log: logFormat },
  }
  const config = await resolveConfig({ flags })
  using interrupt = untilInterrupted()
  const format = formatFor(output, config.logFormat)
  const log = await openLog(format, output, [...config.runs.roles])
  const running = await runPipeline({ file, config, dev, log, named: pipeline => log.name(pipeline) })
  const { urls } = running
  const name = running.pipeline().name
  const { connections } = config
  const kept = connections === undefined ? config.data : `${shownUrl(connections.stream.url)} and ${shownUrl(connections.trace.url)}`
  const spills = connections !== undefined && urls.listen !== undefined && config.spillBytes > 0
  output.answer(
    {
      pipeline: name,
      pid: process.pid,
      ...(urls.listen === undefined ? {} : { listen: urls.listen }),
      operators: urls.ops,
      ...(urls.attach === undefined ? {} : { attach: urls.attach }),
      data: config.data,
    },
    () =>
      [
        `${name} is running, as process ${process.pid}.`,
        ...(urls.listen === undefined ? [] : [`  send data to   ${urls.listen}`]),
        `  look at it on  ${urls.ops}`,
        ...(urls.attach === undefined ? [] : [`  workers attach ${urls.attach}`]),
        `  it is kept in  ${kept}`,
        ...(spills ? [`  it spills to   ${join(config.data, 'spill')}`] : []),
      ].join('\n'),
  )
  const stopped = new Promise<undefined>(settle => {
    if (interrupt.signal.aborted) settle(undefined)
    interrupt.signal.addEventListener('abort', () => settle(undefined), { once: true })
  })
  const failure = await Promise.race([stopped, running.failed])
  if (failure !== undefined) {
    if (format === 'json' && !output.json) log.error(failure.message, undefined, failure)
    else report(failure, { json: output.json, debug: options.debug === true })
    process.exitCode = EXIT.failed
  } else log.info('Stopping: what is in hand is finished first.')
  await running.stop()
  if (failure === undefined) log.info('Stopped.')
}
