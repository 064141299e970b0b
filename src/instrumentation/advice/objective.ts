import { rateText } from '../words.ts'
import type { Advice } from './advice.ts'
import { type AgentLoad, backlogOf } from './load.ts'

/**
 * What would help an objective that is missed, where the agent takes so much of its time by itself: no number of replicas makes a datum pass
 * faster through one of them.
 * @param share of the objective's time that the agent must have in its own hands.
 */
export function overObjective(load: AgentLoad, share: number): Advice | undefined {
  const { agent, objective, isStore } = load
  if (objective === undefined) return undefined
  const { name, withinMs, burn, serviceMs, rollMs } = objective
  const takenMs = serviceMs + rollMs
  if (takenMs < withinMs * share) return undefined
  const taken = `${rateText(takenMs / 1_000)} s of the ${rateText(withinMs / 1_000)} s`
  const gathers = rollMs > serviceMs
  const todo = gathers ? 'It lets data gather for so long: let it roll sooner.' : 'Make it faster; replicas would not.'
  return {
    decision: 're_engineer',
    cause: 'objective',
    about: agent,
    words: `${name} burns its error budget ${rateText(burn)} times as fast as it may, and ${agent} takes ${taken} that it leaves. ${todo}`,
    arithmetic: `${rateText(serviceMs / 1_000)} s ${isStore ? `to write + ${rateText(rollMs / 1_000)} s to gather` : 'in its handler and its commit'}, of ${rateText(withinMs / 1_000)} s`,
    evidence: {
      burn_rate: burn,
      within_seconds: withinMs / 1_000,
      service_seconds: serviceMs / 1_000,
      ...(isStore ? { roll_seconds: rollMs / 1_000 } : {}),
      lag: backlogOf(load),
    },
    steps: gathers ? [`in the pipeline, of ${agent}: a shorter roll.age`] : ['millrace slo', 'a profile of its handler: node --cpu-prof'],
  }
}
