import { dirname } from 'node:path'
import type { Command } from 'commander'
import { durationMs } from '../../duration.ts'
import { makeDataDirectory } from '../../engine/embedded/data-directory.ts'
import { type RevokedKey, unknownKey } from '../../frontend/key-file.ts'
import { addKey, type KeyRecord, readKeys, revokedKeys, revokeKey, rotateKey } from '../../frontend/keys.ts'
import { AGENT_KEY_PREFIX, type AgentKey, addAgentKey, agentKeyFile } from '../../runtime/attach/agent-keys.ts'
import { optionsOf, outputOf, repeated, usage } from '../command.ts'
import { table } from '../table.ts'
import { configOf } from '../view.ts'

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: who may send what, and who may work for which agents')
  keys
    .command('add')
    .description('make a key; it is shown once, and a running process takes it up within a second')
    .argument('<source>', 'whom it speaks for: the source of everything sent with it; with --agent the name of a worker')
    .option('--topic <name>', 'a topic that it may write to; may be repeated', repeated)
    .option('--all-topics', 'it may write to every topic that no agent writes')
    .option('--agent <name>', 'an attached agent, or name@version, that it may work for; may be repeated', repeated)
    .option('--all-agents', 'it may work for every attached agent')
    .option('--expires <when>', 'how long it holds (30d), else for good')
    .action((source: string, _options, command: Command) => add(source, command))
  keys
    .command('list')
    .description('the keys that there are, without their secrets')
    .option('--revoked', 'also the last that were revoked')
    .action((_options, command: Command) => list(command))
  keys
    .command('rotate')
    .description('make a key of the same rights, and end the old one after a grace; the new one is shown once')
    .argument('<id>', 'the part of the key before its dot')
    .option('--grace <length>', 'how long the old one goes on, such as 30m or 1d', '1h')
    .action((id: string, _options, command: Command) => rotate(id, command))
  keys
    .command('revoke')
    .description('end a key at once')
    .argument('<id>', 'the part of the key before its dot')
    .action((id: string, _options, command: Command) => revoke(id, command))
}

interface AddOptions {
  readonly topic?: readonly string[]
  readonly allTopics?: boolean
  readonly agent?: readonly string[]
  readonly allAgents?: boolean
  readonly expires?: string
}

async function add(source: string, command: Command): Promise<void> {
  const options = optionsOf<AddOptions>(command)
  const output = outputOf(options)
  const topics = namesOf(options.topic, options.allTopics, '--topic')
  const agents = namesOf(options.agent, options.allAgents, '--agent')
  if (topics !== undefined && agents !== undefined)
    throw usage('A key is for sending or for working.', 'Make two: one with --topic, one with --agent.')
  if (topics === undefined && agents === undefined)
    throw usage('The key may do nothing.', 'Name its topics with --topic demand, or give --all-topics; for a worker, --agent mood.')
  const expires = options.expires === undefined ? {} : { expiresMs: Date.now() + lengthOf(options.expires, '--expires') }
  const { keysFile, agentKeysFile } = await configOf(options)
  const file = agents === undefined ? keysFile : agentKeysFile
  // Keys can be there before the first start.
  makeDataDirectory(dirname(file))
  const isFirst = (await (agents === undefined ? readKeys(file) : agentKeyFile(file).read())) === undefined
  const { key, record } =
    agents === undefined
      ? await addKey(file, { source, topics: topics ?? [], ...expires })
      : await addAgentKey(file, { name: source, agents, ...expires })
  if (!output.json)
    output.notice(`A key for ${source}, ${mayText(record)}. It is shown this once: keep it, and send it as "Authorization: Bearer <key>".`)
  if (!output.json && isFirst)
    output.notice(`It is the first: from now on nobody ${agents === undefined ? 'sends' : 'works'} without a key.`)
  output.answer({ ...shown(record), key }, () => key)
}

/** @returns undefined where neither option was given. */
function namesOf(
  named: readonly string[] = [],
  all: boolean | undefined,
  flag: '--topic' | '--agent',
): readonly string[] | '*' | undefined {
  if (all === true && named.length > 0) throw usage(`--all-${flag.slice(2)}s and ${flag} say different things.`, 'Give one of them.')
  if (all === true) return '*'
  return named.length === 0 ? undefined : named
}

async function list(command: Command): Promise<void> {
  const options = optionsOf<{ readonly revoked?: boolean }>(command)
  const output = outputOf(options)
  const { keysFile, agentKeysFile } = await configOf(options)
  const found = await readKeys(keysFile)
  const ended = options.revoked === true ? [...(await revokedKeys(keysFile)), ...(await agentKeyFile(agentKeysFile).revoked())] : []
  const keys: ShownKey[] = [...(found ?? []), ...((await agentKeyFile(agentKeysFile).read()) ?? []), ...ended]
  if (found === undefined && !output.json)
    output.notice('No key was ever added: every program on this machine may send, and the front end listens on this machine only.')
  else if (found?.length === 0 && !output.json)
    output.notice('There are no keys any more: nobody may send. Add one with millrace keys add <source> --topic <name>.')
  output.answer({ keys: keys.map(shown) }, () =>
    keys.length === 0 ? '' : table(['ID', 'SOURCE', 'TOPICS', 'CREATED', 'EXPIRES'], keys.map(row)),
  )
}

async function rotate(id: string, command: Command): Promise<void> {
  const options = optionsOf<{ readonly grace: string }>(command)
  const output = outputOf(options)
  const graceMs = lengthOf(options.grace, '--grace')
  const { keysFile, agentKeysFile } = await configOf(options)
  const { wanted, isAgents, file } = await known(id, keysFile, agentKeysFile)
  const made = await (isAgents ? agentKeyFile(file).rotate(wanted, graceMs, Date.now()) : rotateKey(file, wanted, graceMs))
  if (!output.json)
    output.notice(
      `A key of the rights of ${wanted}, which ${graceMs === 0 ? 'has ended' : `goes on for ${options.grace}`}. It is shown this once: keep it, and send it as "Authorization: Bearer <key>".`,
    )
  output.answer({ ...shown(made.record), key: made.key }, () => made.key)
}

async function revoke(id: string, command: Command): Promise<void> {
  const options = optionsOf<object>(command)
  const output = outputOf(options)
  const { keysFile, agentKeysFile } = await configOf(options)
  const { wanted, isAgents, file } = await known(id, keysFile, agentKeysFile)
  const ended = await (isAgents ? agentKeyFile(file).revoke(wanted, Date.now()) : revokeKey(file, wanted))
  if (ended === undefined) throw unknownKey(wanted, file)
  output.answer({ revoked: wanted }, () => '')
  if (!output.json) output.notice(`Key ${wanted} is revoked.`)
}

/** Looked up before anything is changed: that writes, and a directory that is not there should stay so. @throws KEY_UNKNOWN */
async function known(id: string, keysFile: string, agentKeysFile: string): Promise<{ wanted: string; isAgents: boolean; file: string }> {
  // Whoever pastes the whole key means its id, and the secret must not be in an error.
  const wanted = id.split('.', 1)[0]!
  const isAgents = wanted.startsWith(AGENT_KEY_PREFIX)
  const file = isAgents ? agentKeysFile : keysFile
  const keys = (isAgents ? await agentKeyFile(file).read() : await readKeys(file)) ?? []
  if (!keys.some(key => key.id === wanted)) throw unknownKey(wanted, file)
  return { wanted, isAgents, file }
}

type ShownKey = KeyRecord | AgentKey | RevokedKey<KeyRecord> | RevokedKey<AgentKey>

/** Without the hash: it helps nobody who may see it. */
function shown(key: ShownKey): Record<string, unknown> {
  const { id, created, expires, rotates } = key
  const whose = 'agents' in key ? { name: key.name, agents: key.agents } : { source: key.source, topics: key.topics }
  return {
    ...{ id, ...whose, created },
    ...(expires === undefined ? {} : { expires }),
    ...(rotates === undefined ? {} : { rotates }),
    ...('revoked' in key ? { revoked: key.revoked } : {}),
  }
}

function row(key: ShownKey): string[] {
  const [whose, names] = 'agents' in key ? [key.name, key.agents] : [key.source, key.topics]
  const all = 'agents' in key ? 'agents: all' : 'all entries'
  const may = names === '*' ? all : `${'agents' in key ? 'agents: ' : ''}${names.join(', ')}`
  return [key.id, whose, may, key.created, endText(key)]
}

function endText(key: ShownKey): string {
  if ('revoked' in key) return `revoked ${key.revoked}`
  if (key.expires === undefined) return 'never'
  return Date.parse(key.expires) < Date.now() ? `expired ${key.expires}` : key.expires
}

function mayText(key: KeyRecord | AgentKey): string {
  if ('agents' in key) return key.agents === '*' ? 'to work for every attached agent' : `to work for ${key.agents.join(', ')}`
  return key.topics === '*' ? 'for every topic that no agent writes' : `for ${key.topics.join(', ')}`
}

function lengthOf(text: string, flag: '--expires' | '--grace'): number {
  try {
    return durationMs(text, flag)
  } catch (error) {
    if (error instanceof TypeError) throw usage(`${flag} is ${JSON.stringify(text)}.`, "It must be a duration such as '12h' or '30d'.")
    throw error
  }
}
