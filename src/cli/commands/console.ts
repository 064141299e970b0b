import type { Command } from 'commander'
import type { LogInCode, Session } from '../../console/api/session.ts'
import { isMillraceError } from '../../errors.ts'
import { optionsOf, outputOf, type Shared, usage } from '../command.ts'
import { openInBrowser } from '../console/browser.ts'
import { addTokens } from '../console/tokens.ts'
import { askOperators, type Operators, operatorsAt, runningOperators } from '../operators.ts'
import { configOf } from '../view.ts'

interface ConsoleOptions extends Shared {
  readonly url?: string
  readonly token?: string
  readonly open: boolean
}

export function addConsole(program: Command): void {
  const command = program
    .command('console')
    .description('open the web console of a running process, logged in')
    .option('--url <url>', 'of its operators’ listener (default: that of the process that runs on the data directory)')
    .option('--token <token>', 'log in with it; better in MILLRACE_OPS_TOKEN: other users of the machine see flags')
    .option('--no-open', 'print the link, and open no browser')
    .action((_options, command: Command) => open(command))
  addTokens(command)
}

async function open(command: Command): Promise<void> {
  const options = optionsOf<ConsoleOptions>(command)
  const output = outputOf(options)
  const operators = await operatorsFor(options)
  const url = `${operators.url}/console/`
  const session = await sessionOf(operators)
  const link = session === undefined || session.log_in === 'none' ? undefined : await linkOf(operators)
  const isOpened = options.open && output.interactive && !output.json && (await openInBrowser(link ?? url))
  output.answer({ url, link: link ?? null, user: session?.user ?? null, role: session?.role ?? null, opened: isOpened }, () =>
    isOpened || link === undefined ? url : link,
  )
  if (output.json) return
  if (session === undefined) output.notice('It asks for a log-in. With a token in MILLRACE_OPS_TOKEN, this command logs the browser in.')
  else if (link !== undefined && !isOpened)
    output.notice(`The link logs a browser in as ${session.user}, ${session.role}: once, within a minute.`)
}

async function operatorsFor({ url, token, ...options }: ConsoleOptions): Promise<Operators> {
  if (url !== undefined) return operatorsAt(originOf(url), token)
  const { data } = await configOf(options)
  const found = runningOperators(
    data,
    '',
    'Start one, name its data directory with --data, or its operators’ listener with --url http://127.0.0.1:7071.',
  )
  return token === undefined ? found : operatorsAt(found.url, token)
}

/** Who we are there; undefined where it asks for a log-in and we have none. @throws SERVER_UNREACHABLE, LOG_IN_INVALID */
async function sessionOf(operators: Operators): Promise<Session | undefined> {
  try {
    return (await askOperators(operators, '/v1/session')) as Session // our own API: src/console/api/session.ts
  } catch (error) {
    if (isMillraceError(error, 'LOG_IN_MISSING')) return undefined
    throw error
  }
}

/** A link with a code that is good once: the token itself is in no address, which browsers remember and proxies write down. */
async function linkOf(operators: Operators): Promise<string> {
  const { path } = (await askOperators(operators, '/v1/session/code', {})) as LogInCode // as above
  return `${operators.url}${path}`
}

function originOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text).origin
  throw usage(`--url is ${JSON.stringify(text)}.`, 'It must be a URL such as http://127.0.0.1:7071.')
}
