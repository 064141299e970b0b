import type { Clock } from '../clock.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { MillraceError } from '../errors.ts'
import type { Agent } from './agent.ts'
import { decode } from './decode.ts'
import { Fold, type Folded, type FoldingAgent, folds } from './fold.ts'
import { HandlerContext } from './handler-context.ts'
import { Outputs, type Staged } from './outputs.ts'
import { arrived, isPending } from './results.ts'

/** What an agent would make of a datum. */
export type Trial =
  | {
      readonly outcome: 'outputs'
      readonly outputs: readonly { readonly to: string; readonly key: string; readonly data: string | Uint8Array }[]
    }
  | { readonly outcome: 'failure'; readonly error: unknown }

/**
 * Runs an agent's handler on one datum, once, in this thread, and keeps nothing of what comes of it. What the handler itself does outside, it
 * does. A window holds the datum alone, and a state nothing but it: the past is with the agent that runs.
 * @throws TypeError where the agent is a remote one: its program runs beside the agent alone.
 */
export async function dryRun(agent: Agent, frame: Uint8Array, topicName: string, clock: Clock): Promise<Trial> {
  const { handler } = agent
  if (handler === undefined) throw new TypeError(`The handler of ${agent.name}@${agent.version} is a program: it cannot be tried here.`)
  const cursor = new FrameCursor(frame)
  cursor.next()
  const name = cursor.type || topicName
  const topic = agent.from.find(candidate => candidate.name === name)
  if (topic === undefined) return failure(new MillraceError('DATUM_INVALID', `The agent does not read topic '${name}' any more.`))
  const decoded = await decode(cursor, topic)
  if (decoded.error !== undefined) return failure(decoded.error)
  try {
    const past = folds(agent) ? alone(agent, decoded.value, cursor) : { window: [], state: undefined }
    const context = new HandlerContext({ bytes: cursor.bytes, start: 0, end: frame.length, topic: name }, past.window, past.state, 1)
    const staged = await within(agent, context, clock, async () => {
      const result = handler(decoded.value, context)
      return new Outputs(agent, agent.version).stage(isPending(result) ? await arrived(result, context) : result)
    })
    return { outcome: 'outputs', outputs: staged.map(({ target, key, data }) => ({ to: agent.to[target]!.name, key, data })) }
  } catch (error) {
    return failure(error)
  }
}

/** What the handler sees of a fold that holds nothing but the datum, which is put again: as with a replay it is not folded a second time. */
function alone(agent: FoldingAgent, value: unknown, { bytes, idAt, createdMs }: FrameCursor): Pick<Folded, 'window' | 'state'> {
  const fold = new Fold(agent, false)
  try {
    fold.take(value, bytes, idAt, createdMs)
  } catch {
    // That may be why it is a letter: then it is in no state, and a replay does not try to fold it. What `by` throws is thrown below.
  }
  return fold.look(value, bytes, idAt)
}

/** As the runner has it: a handler that waits for longer than the agent's timeout has failed. */
async function within(
  agent: Agent,
  context: HandlerContext,
  clock: Clock,
  work: () => Promise<readonly Staged[]>,
): Promise<readonly Staged[]> {
  const timeout = Promise.withResolvers<never>()
  const cancel = clock.after(agent.timeoutMs, () => {
    const error = new MillraceError('HANDLER_TIMEOUT', `The handler was not done after ${agent.timeoutMs} ms.`)
    context.abort(error)
    timeout.reject(error)
  })
  try {
    return await Promise.race([work(), timeout.promise])
  } finally {
    cancel()
  }
}

function failure(error: unknown): Trial {
  return { outcome: 'failure', error }
}
