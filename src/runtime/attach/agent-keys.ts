import { MillraceError } from '../../errors.ts'
import { isNames, type KeptKey, KeyFile } from '../../frontend/key-file.ts'
import type { KeySource } from '../../frontend/key-ring.ts'
import { checkSource } from '../../frontend/keys.ts'
import { Worker } from './worker.ts'

/** The key of an application that takes an agent's work, as it is kept. Not in the file of the producers' keys: a key is for one of the two. */
export interface AgentKey extends KeptKey {
  /** Whose it is, for people. */
  readonly name: string
  /** Agents that it may work for, by name or name@version; `'*'` means every one. */
  readonly agents: readonly string[] | '*'
}

/** A key's id begins with it; a producer's with another. */
export const AGENT_KEY_PREFIX = 'a'

export function agentKeyFile(path: string): KeyFile<AgentKey> {
  return new KeyFile(path, AGENT_KEY_PREFIX, ({ name, agents }) => typeof name === 'string' && isNames(agents))
}

/** Makes a key and keeps its hash. `key` (`id.secret`) is what the worker sends: `Authorization: Bearer <key>`. @throws CONFIG_INVALID */
export async function addAgentKey(
  path: string,
  { name, agents, expiresMs }: { readonly name: string; readonly agents: readonly string[] | '*'; readonly expiresMs?: number },
  nowMs = Date.now(),
): Promise<{ key: string; record: AgentKey }> {
  checkSource(name)
  if (agents !== '*' && agents.length === 0) {
    throw new MillraceError('CONFIG_INVALID', 'The key names no agent.', { fix: "Name the agents that it may work for, or '*'." })
  }
  return agentKeyFile(path).add({ name, agents }, expiresMs, nowMs)
}

/** The agents' keys, as a ring holds them. */
export function agentKeys(path: string): KeySource<Worker> {
  const file = agentKeyFile(path)
  return {
    file: path,
    adding: 'millrace keys add <name> --agent <agent>',
    read: async () => (await file.read())?.map(key => ({ key, holder: new Worker(key.name, key.agents) })),
  }
}
