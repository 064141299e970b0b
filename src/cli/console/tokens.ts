import { dirname } from 'node:path'
import type { Command } from 'commander'
import type { Role } from '../../console/api/session.ts'
import { addToken, type OperatorToken, tokenFile } from '../../console/log-in/tokens.ts'
import { durationMs } from '../../duration.ts'
import { makeDataDirectory } from '../../engine/embedded/data-directory.ts'
import { MillraceError } from '../../errors.ts'
import { optionsOf, outputOf, usage } from '../command.ts'
import { table } from '../table.ts'
import { configOf } from '../view.ts'

/** `millrace console token …`: who may look, and who may act. */
export function addTokens(console: Command): void {
  const token = console.command('token').description('tokens: who may look at the console and its API, and who may act')
  token
    .command('add')
    .description('make a token; it is shown once, and a running process takes it up within a second')
    .argument('<user>', 'whose it is: so it stands in the audit log')
    .option('--role <role>', 'viewer (looks at everything that is not masked) or operator (changes things, too)', 'viewer')
    .option('--expires <when>', 'how long it holds (30d), else for good')
    .action((user: string, _options, command: Command) => add(user, command))
  token
    .command('list')
    .description('the tokens that there are, without their secrets')
    .action((_options, command: Command) => list(command))
  token
    .command('revoke')
    .description('end a token at once, and whatever is open by it')
    .argument('<id>', 'the part of the token before its dot')
    .action((id: string, _options, command: Command) => revoke(id, command))
}

async function add(user: string, command: Command): Promise<void> {
  const options = optionsOf<{ role: string; expires?: string }>(command)
  const output = outputOf(options)
  const role = roleOf(options.role)
  const expires = options.expires === undefined ? {} : { expiresMs: Date.now() + lengthOf(options.expires) }
  const { tokensFile } = (await configOf(options)).opsAccess
  // Tokens can be there before the first start.
  makeDataDirectory(dirname(tokensFile))
  const isFirst = (await tokenFile(tokensFile).read()) === undefined
  const { key, record } = await addToken(tokensFile, { user, role, ...expires })
  if (!output.json)
    output.notice(
      `A token for ${user}, ${role}. It is shown this once: keep it, log in with it, or give it to programs in MILLRACE_OPS_TOKEN.`,
    )
  if (!output.json && isFirst) output.notice('It is the first: from now on everyone is asked to log in, on this machine, too.')
  output.answer({ ...shown(record), token: key }, () => key)
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const found = await tokenFile((await configOf(options)).opsAccess.tokensFile).read()
  if (found === undefined && !output.json) output.notice('No token was ever made: on this machine nobody is asked to log in.')
  else if (found?.length === 0 && !output.json) output.notice('There are no tokens any more: nobody logs in with one.')
  const tokens = found ?? []
  output.answer({ tokens: tokens.map(shown) }, () =>
    tokens.length === 0 ? '' : table(['ID', 'USER', 'ROLE', 'CREATED', 'EXPIRES'], tokens.map(row)),
  )
}

async function revoke(given: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const { tokensFile } = (await configOf(options)).opsAccess
  // Whoever pastes the whole token means its id, and the secret must not be in an error.
  const id = given.split('.', 1)[0]!
  const file = tokenFile(tokensFile)
  // Looked up first: revoking writes, and a directory that is not there should stay so.
  const isKnown = (await file.read())?.some(token => token.id === id) === true
  if (!isKnown || (await file.revoke(id, Date.now())) === undefined)
    throw new MillraceError('KEY_UNKNOWN', `There is no token '${id}' in ${tokensFile}.`, {
      fix: 'millrace console token list shows them.',
    })
  output.answer({ revoked: id }, () => '')
  if (!output.json) output.notice(`Token ${id} is revoked.`)
}

/** Without the hash: it helps nobody who may see it. */
function shown({ sha256: _, ...token }: OperatorToken): object {
  return token
}

function row({ id, user, role, created, expires }: OperatorToken): string[] {
  const isOver = expires !== undefined && Date.parse(expires) < Date.now()
  return [id, user, role, created, expires === undefined ? 'never' : `${isOver ? 'expired ' : ''}${expires}`]
}

function roleOf(text: string): Role {
  if (text === 'viewer' || text === 'operator') return text
  throw usage(`--role is ${JSON.stringify(text)}.`, 'It must be viewer or operator.')
}

function lengthOf(text: string): number {
  try {
    return durationMs(text, '--expires')
  } catch (error) {
    if (error instanceof TypeError) throw usage(`--expires is ${JSON.stringify(text)}.`, "It must be a duration such as '12h' or '30d'.")
    throw error
  }
}
