import { liveName } from '../agents/shadow.ts'
import { MillraceError } from '../errors.ts'
import type { AnyAgent } from '../pipeline.ts'
import { type Read, wrong } from './settings.ts'

/** What a process does of a pipeline. Every process has an operators' listener, for its health and metrics at least. */
export type Role = 'frontend' | 'agents' | 'storage' | 'console'

export const ALL_ROLES: readonly Role[] = ['frontend', 'agents', 'storage', 'console']

/** One role, several separated by commas, or `all`. */
export const roles: Read<ReadonlySet<Role>> = (value, name) => {
  const words = wordsOf(value)
  if (words.length === 1 && words[0] === 'all') return new Set(ALL_ROLES)
  const known = words.filter((word): word is Role => ALL_ROLES.some(role => role === word))
  if (words.length === 0 || known.length < words.length) throw wrong(name, value, `${ALL_ROLES.join(', ')}, several of them, or all`)
  return new Set(known)
}

/** Agents by name, or by name@version. */
export const agentNames: Read<readonly string[]> = (value, name) => {
  const words = wordsOf(value)
  if (words.length === 0) throw wrong(name, value, "agents' names, separated by commas: forecast, or forecast@2")
  return words
}

function wordsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value.map(String) : String(value).split(',')
  return list.map(word => word.trim()).filter(Boolean)
}

/** Which of a pipeline's agents a process runs. */
export interface Runs {
  readonly roles: ReadonlySet<Role>
  /** Those alone, of the roles'. */
  readonly only?: readonly string[]
}

export function runsAgent({ roles: own, only }: Runs, agent: AnyAgent): boolean {
  if (!own.has(agent.kind === 'agent' ? 'agents' : 'storage')) return false
  if (only === undefined || only.includes(liveName(agent.name)) || namesOf(agent).some(name => only.includes(name))) return true
  // What gathers for an agent runs where any version of it does.
  const partOf = agent.kind === 'agent' ? agent.partOf : undefined
  return partOf !== undefined && only.some(name => name === partOf || name.startsWith(`${partOf}@`))
}

/** A shadow is meant by the name that it will have when it is promoted, and an agent by that of the version, too, that gets a share of its keys. */
function namesOf(agent: AnyAgent): string[] {
  const versions = [agent.version, ...(agent.kind === 'agent' && agent.ramps !== undefined ? [agent.ramps.agent.version] : [])]
  return versions.map(version => `${liveName(agent.name)}@${version}`)
}

/** @throws CONFIG_INVALID naming those that the pipeline has not, or that are of another role: a misspelt one would not run, in silence. */
export function checkOnly(runs: Runs, agents: Iterable<AnyAgent>): void {
  const all = [...agents]
  const strange = (runs.only ?? []).filter(name => !all.some(agent => runsAgent({ roles: runs.roles, only: [name] }, agent)))
  if (strange.length === 0) return
  const own = all.filter(agent => runsAgent({ roles: runs.roles }, agent)).flatMap(namesOf)
  throw new MillraceError('CONFIG_INVALID', `There is no agent ${strange.join(', ')} for the role ${[...runs.roles].join(', ')} to run.`, {
    fix: own.length === 0 ? 'The pipeline has none of that role.' : `There are: ${own.join(', ')}.`,
  })
}
