import { ID_BYTES } from '../../envelope/data-id.ts'
import type { Agent, FoldedAt } from '../agent.ts'
import { ReadyOutputs } from '../ready-outputs.ts'
import type { OpenWindow } from './open-window.ts'
import { OpenWindows, type Taken, type WindowsOf } from './open-windows.ts'
import { ownAgent, ownFold, ownTopic } from './own-agent.ts'
import { PUT_AGAIN, refused } from './refusal.ts'
import type { TimeWindow } from './time-window.ts'
import { emptiedOutput, readWindowed, type Windowed, windowOutput } from './windowed.ts'

/** A datum that fails so often, or ends so many threads, closes its windows without what they hold: they must neither be lost with it nor hold up what follows for ever. */
const WHOLE_ATTEMPTS = 10

/**
 * An agent with a time window is two: `<name>.windows`, whose state is the open windows of a partition and whose outputs are those that close;
 * and the user's, an ordinary agent that reads them. So a window is a datum like any other: tried again, a dead letter, replayed, traced.
 */
export function windowAgents(agent: Agent, window: TimeWindow): readonly [own: Agent, users: Agent] {
  const { by } = agent
  if (by === undefined) throw new TypeError(`agent('${agent.name}') has a time window but no 'by'.`)
  const of: WindowsOf = { window, by, state: agent.state }
  const name = `${agent.name}.windows`
  const between = ownTopic(`_windows.${agent.name}@${window.version}`, agent.from, readWindowed)
  const own = ownAgent(
    {
      ...{ name, version: window.version, from: agent.from, start: agent.start, partOf: agent.name },
      to: window.late === undefined ? [between] : [between, window.late],
      ...ownFold(openWindows(of), (datum, step, attempt) => putOut(datum, step, of, attempt)),
    },
    Number.POSITIVE_INFINITY,
  )
  // What it reads is of the topic between.
  const users: Agent = { ...agent, from: [between], by: window => (window as Windowed).key, state: undefined, gather: undefined }
  return [own, users]
}

/** What the state of a partition is after a datum. The windows themselves are changed in place; the rest is of this datum alone. */
interface Step extends Taken {
  readonly windows: OpenWindows
  /** The datum's id, where it has closed something. */
  readonly id: Uint8Array | undefined
}

function openWindows(of: WindowsOf) {
  return {
    init: (): Step => stepOf(new OpenWindows(of)),
    update({ windows }: Step, datum: unknown, at: FoldedAt): Step {
      const taken = windows.take(datum, at)
      const id = taken.closed.length === 0 ? undefined : Buffer.from(at.id.subarray(at.idAt, at.idAt + ID_BYTES))
      return { ...taken, windows, id }
    },
    again: ({ windows }: Step): Step => ({ ...stepOf(windows), refusal: PUT_AGAIN }),
    size: ({ windows }: Step) => windows.size,
    save: ({ windows }: Step) => windows.save(),
    load: (saved: unknown): Step => stepOf(OpenWindows.load(of, saved)),
    begin: ({ windows }: Step) => windows.begin(),
  }
}

function stepOf(windows: OpenWindows): Step {
  return { windows, closed: NONE, refusal: undefined, id: undefined }
}

/** A datum that is refused closes nothing, so the windows that are put out never share its fate. */
function putOut(datum: unknown, { closed, refusal, id }: Step, { window, state }: WindowsOf, attempt: number): unknown {
  if (refusal !== undefined) {
    if (refusal.code === 'WINDOW_CLOSED' && window.late !== undefined) return [{ to: window.late, value: datum }]
    throw refused(refusal)
  }
  if (id === undefined) return undefined
  if (attempt > WHOLE_ATTEMPTS) {
    const unfit = `it could not be put out in ${WHOLE_ATTEMPTS} attempts, which failed or ended their thread: what it held is in the topic of its data`
    return new ReadyOutputs(closed.map(closing => emptiedOutput(closing, id, unfit)))
  }
  return new ReadyOutputs(closed.map(closing => windowOutput(closing, id, state !== undefined)))
}

const NONE: readonly OpenWindow[] = Object.freeze([])
