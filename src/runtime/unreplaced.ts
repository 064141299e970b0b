import { agentOf, type Standing } from '../engine/engine.ts'
import type { Pipeline } from '../pipeline.ts'

/**
 * Agents that replace a version without a place where others of their name have one: they begin anew, and do again what those have done, under
 * other ids. That is right for a new pipeline, and nearly always a number that is wrong for one that has run.
 */
export function unreplaced({ agents }: Pipeline, standings: readonly Pick<Standing, 'group'>[]): string[] {
  const groups = new Set(standings.map(({ group }) => group))
  return [...agents].flatMap(([id, { name, replaces }]) => {
    if (replaces === undefined || groups.has(id) || groups.has(`${name}@${replaces}`)) return []
    const others = [...groups].filter(group => agentOf(group).name === name)
    if (others.length === 0) return []
    return `${id} replaces ${name}@${replaces}, which has no place here: it begins anew, and does again what others have done. There are: ${others.join(', ')}.`
  })
}
