import { dirname } from 'node:path'
import type { Command } from 'commander'
import { durationMs } from '../../duration.ts'
import { makeDataDirectory } from '../../engine/embedded/data-directory.ts'
import { MillraceError } from '../../errors.ts'
import { addKey, type KeyRecord, listKeys, readKeys, revokeKey } from '../../frontend/keys.ts'
import { optionsOf, outputOf, repeated, usage } from '../command.ts'
import { table } from '../table.ts'
import { configOf } from '../view.ts'

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: who may send what')
  keys
    .command('add')
    .description('make a key; it is shown once, and a running process takes it up within a second')
    .argument('<source>', 'whom it speaks for: the source of everything sent with it')
    .option('--topic <name>', 'a topic that it may write to; may be repeated', repeated)
    .option('--all-topics', 'it may write to every topic that no agent writes')
    .option('--expires <when>', 'how long it holds (30d), else for good')
    .action((source: string, _options, command: Command) => add(source, command))
  keys
    .command('list')
    .description('the keys that there are, without their secrets')
    .action((_options, command: Command) => list(command))
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<id>', 'the part of the key before its dot')
    .action((id: string, _options, command: Command) => revoke(id, command))
}

async function add(source: string, command: Command): Promise<void> {
  const options = optionsOf<{ topic?: readonly string[]; allTopics?: boolean; expires?: string }>(command)
  const output = outputOf(options)
  const named = options.topic ?? []
  if (options.allTopics === true && named.length > 0) throw usage('--all-topics and --topic say different things.', 'Give one of them.')
  if (options.allTopics !== true && named.length === 0)
    throw usage('The key may write nowhere.', 'Name its topics with --topic demand, or give --all-topics.')
  const expiresMs = options.expires === undefined ? undefined : Date.now() + lengthOf(options.expires)
  const { keysFile } = await configOf(options)
  // Keys can be there before the first start.
  makeDataDirectory(dirname(keysFile))
  const { key, record } = await addKey(keysFile, {
    source,
    topics: options.allTopics === true ? '*' : named,
    ...(expiresMs === undefined ? {} : { expiresMs }),
  })
  if (!output.json)
    output.notice(
      `A key for ${source}, ${topicsText(record)}. It is shown this once: keep it, and send it as "Authorization: Bearer <key>".`,
    )
  output.answer({ ...shown(record), key }, () => key)
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const found = await readKeys((await configOf(options)).keysFile)
  const keys = found ?? []
  if (found === undefined && !output.json)
    output.notice('No key was ever added: every program on this machine may send, and the front end listens on this machine only.')
  else if (keys.length === 0 && !output.json)
    output.notice('There are no keys any more: nobody may send. Add one with millrace keys add <source> --topic <name>.')
  output.answer({ keys: keys.map(shown) }, () =>
    keys.length === 0 ? '' : table(['ID', 'SOURCE', 'TOPICS', 'CREATED', 'EXPIRES'], keys.map(row)),
  )
}

async function revoke(id: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const file = (await configOf(options)).keysFile
  // Whoever pastes the whole key means its id, and the secret must not be in an error.
  const wanted = id.split('.', 1)[0]!
  // Looked up first: revoking writes, and a directory that is not there should stay so.
  const known = (await listKeys(file)).some(key => key.id === wanted)
  if (!known || !(await revokeKey(file, wanted)))
    throw new MillraceError('KEY_UNKNOWN', `There is no key '${wanted}' in ${file}.`, {
      fix: 'millrace keys list shows those that there are.',
    })
  output.answer({ revoked: wanted }, () => '')
  if (!output.json) output.notice(`Key ${wanted} is revoked.`)
}

/** Without the hash: it helps nobody who may see it. */
function shown({ id, source, topics, created, expires }: KeyRecord): Record<string, unknown> {
  return { id, source, topics, created, ...(expires === undefined ? {} : { expires }) }
}

function row(key: KeyRecord): string[] {
  const expired = key.expires !== undefined && Date.parse(key.expires) < Date.now()
  return [
    key.id,
    key.source,
    key.topics === '*' ? 'all entries' : key.topics.join(', '),
    key.created,
    key.expires === undefined ? 'never' : `${key.expires}${expired ? ' (has)' : ''}`,
  ]
}

function topicsText(key: KeyRecord): string {
  return key.topics === '*' ? 'for every topic that no agent writes' : `for ${key.topics.join(', ')}`
}

function lengthOf(text: string): number {
  try {
    return durationMs(text, '--expires')
  } catch (error) {
    if (error instanceof TypeError) throw usage(`--expires is ${JSON.stringify(text)}.`, "It must be a duration such as '12h' or '30d'.")
    throw error
  }
}
