import { ID_BYTES } from '../../envelope/data-id.ts'
import type { Agent, FoldState } from '../agent.ts'
import { ReadyOutputs } from '../ready-outputs.ts'
import type { OpenWindow } from './open-window.ts'
import { OpenWindows, type Taken, type WindowsOf } from './open-windows.ts'
import { ownAgent, ownTopic } from './own-agent.ts'
import { PUT_AGAIN, refused } from './refusal.ts'
import type { TimeWindow } from './time-window.ts'
import { readWindowed, windowOutput } from './windowed.ts'

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
  const own = ownAgent({
    ...{ name, version: window.version, from: agent.from, start: agent.start, partOf: agent.name },
    to: window.late === undefined ? [between] : [between, window.late],
    by: () => '',
    state: windowsState(of),
    handler: (datum, { state }) => putOut(datum, state as Step, of),
  })
  const users: Agent = { ...agent, from: [between], by: datum => (datum as { key: string }).key, state: undefined, gather: undefined }
  return [own, users]
}

/** What the state of a partition is after a datum. The windows themselves are changed in place; the rest is of this datum alone. */
interface Step extends Taken {
  readonly windows: OpenWindows
  /** The datum's id, where it has closed something. */
  readonly id: Uint8Array | undefined
}

function windowsState(of: WindowsOf): FoldState {
  return {
    init: () => stepOf(new OpenWindows(of)),
    update: (state, datum, at) => {
      const { windows } = state as Step
      const taken = windows.take(datum, at)
      const id = taken.closed.length === 0 ? undefined : Buffer.from(at.id.subarray(at.idAt, at.idAt + ID_BYTES))
      return { ...taken, windows, id } satisfies Step
    },
    again: state => ({ ...stepOf((state as Step).windows), refusal: PUT_AGAIN }) satisfies Step,
    size: state => (state as Step).windows.size,
    save: state => (state as Step).windows.save(),
    load: saved => stepOf(OpenWindows.load(of, saved)),
  }
}

function stepOf(windows: OpenWindows): Step {
  return { windows, closed: NONE, refusal: undefined, id: undefined }
}

/** A datum that is refused closes nothing, so the windows that are put out never share its fate. */
function putOut(datum: unknown, { closed, refusal, id }: Step, { window, state }: WindowsOf): unknown {
  if (refusal !== undefined) {
    if (refusal.code === 'WINDOW_CLOSED' && window.late !== undefined) return [{ to: window.late, value: datum }]
    throw refused(refusal)
  }
  if (id === undefined) return undefined
  return new ReadyOutputs(closed.map(closing => windowOutput(closing, id, state !== undefined)))
}

const NONE: readonly OpenWindow[] = Object.freeze([])
