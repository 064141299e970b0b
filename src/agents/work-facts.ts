import type { WorkFact } from '../instrumentation/recorder.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { Agent } from './agent.ts'
import type { Unit } from './unit.ts'

/**
 * The facts of one committed unit of work: one, and where another version gets a share of the data, one for each that had any. The time in
 * handlers is then shared out by how many data each had: a clock that were read for each datum would cost more than most handlers.
 */
export function workFacts(
  agent: Agent,
  { topic, partition }: TopicPartition,
  unit: Unit,
  outputs: number,
  times: Pick<WorkFact, 'queueMs' | 'handlerMs' | 'busyMs' | 'commitMs'>,
): WorkFact[] {
  const { counts, lost, retries, ramped } = unit
  const whole: WorkFact = { agent: agent.name, version: agent.version, topic, partition, ...counts, lost, retries, outputs, ...times }
  const handled = counts.done + counts.dead
  const share = ramped.doneCount + ramped.deadCount
  if (agent.ramps === undefined || share === 0) return [whole]
  const handlerMs = (times.handlerMs * share) / handled
  const busyMs = (times.busyMs * share) / handled
  const of = { done: ramped.doneCount, dead: ramped.deadCount, retries: ramped.retries, outputs: ramped.outputs }
  const next: WorkFact = { ...whole, version: agent.ramps.agent.version, ...of, duplicate: 0, lost: 0, handlerMs, busyMs }
  const rest: WorkFact = {
    ...whole,
    done: counts.done - of.done,
    dead: counts.dead - of.dead,
    retries: retries - of.retries,
    outputs: outputs - of.outputs,
    handlerMs: times.handlerMs - handlerMs,
    busyMs: times.busyMs - busyMs,
  }
  return share === handled && counts.duplicate === 0 && lost === 0 ? [next] : [rest, next]
}
