import type { Logger } from 'pino'
import { isMillraceError } from '../errors.ts'
import type { Log } from '../runtime/log.ts'
import { type Output, paintNotice, plain } from './output.ts'

/** What the runtime says, and what the command itself has to say beside it. */
export interface CommandLog extends Log {
  /** Which pipeline it is about, once that is known. */
  name(pipeline: string): void
}

/** JSON where nobody reads along, and a program may. */
export type LogFormat = 'text' | 'json'

export function formatFor(output: Output, asked: LogFormat | undefined): LogFormat {
  return asked ?? (output.json || process.stderr.isTTY !== true ? 'json' : 'text')
}

/** On stderr: sentences for a person, or a JSON document a line for whoever collects logs. */
export async function openLog(format: LogFormat, output: Output, roles: readonly string[]): Promise<CommandLog> {
  if (format === 'text') return sentences(output)
  // A person at a terminal does not wait for it to load.
  const { pino } = await import('pino')
  let pipeline: string | undefined
  const logger = pino(
    {
      base: { pid: process.pid, roles },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      mixin: () => (pipeline === undefined ? {} : { pipeline }),
    },
    process.stderr,
  )
  return {
    ...lines(logger),
    name(known) {
      pipeline = known
    },
  }
}

function lines(logger: Logger): Log {
  const facts = (agent: string | undefined, cause?: unknown) => ({
    ...(agent === undefined ? {} : { agent }),
    ...(isMillraceError(cause) ? { code: cause.code } : {}),
  })
  return {
    info: (text, agent) => logger.info(facts(agent), text),
    warn: (text, agent, cause) => logger.warn(facts(agent, cause), text),
    error: (text, agent, cause) => logger.error(facts(agent, cause), text),
  }
}

function sentences(output: Output): CommandLog {
  return {
    info: text => output.notice(plain(text)),
    warn: text => output.notice(`${paintNotice('yellow', 'warn:')} ${plain(text)}`),
    error: text => output.notice(`${paintNotice('red', 'error:')} ${plain(text)}`),
    name: () => undefined,
  }
}
