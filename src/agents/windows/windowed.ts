import { hash } from 'node:crypto'
import { ID_BYTES } from '../../envelope/data-id.ts'
import type { ReadyOutput } from '../ready-outputs.ts'
import { exactJson, fromExact } from './exact-json.ts'
import { NAMED_IDS, type OpenWindow, parentsOf } from './open-window.ts'
import { MAX_WINDOW_BYTES } from './open-windows.ts'
import { objectOf } from './own-agent.ts'

/** A time window that has closed, as a handler gets it: [startMs, endMs), milliseconds since 1970 UTC. */
export interface Windowed {
  /** Of all its data, as `by` gave it. */
  readonly key: string
  readonly startMs: number
  readonly endMs: number
}

/** A time window with its data. */
export interface WindowOfData<Datum> extends Windowed {
  /** In the order of `created`; those of one moment in the order in which they came. Never empty. */
  readonly data: readonly Datum[]
}

/** A time window with the state that was folded from its data, in the order in which they came. */
export interface WindowOfState<S> extends Windowed {
  readonly state: S
  /** How many data were folded. */
  readonly count: number
}

const FAMILY_BYTES = 6

/**
 * A closed window as a datum of the topic between. Its cause is its key and its end, and the datum that came first, as a key may have a window
 * in each partition; its time is that of the datum which closed it, so that it is looked for where it was put into the stream.
 */
export function windowOutput(window: OpenWindow, closedBy: Uint8Array, hasState: boolean): ReadyOutput {
  const content = hasState ? `"count":${window.count},${stateText(window)}` : `"data":[${dataTexts(window).join()}]`
  return output(window, closedBy, content, parentsOf(window))
}

/** The window without what it holds, and with the reason: a dead letter of the user's agent under the id that the whole one would have. */
export function emptiedOutput(window: OpenWindow, closedBy: Uint8Array, unfit: string): ReadyOutput {
  const parents = parentsOf(window).subarray(0, NAMED_IDS * ID_BYTES)
  return output(window, closedBy, `"unfit":${JSON.stringify(unfit)}`, parents)
}

function output(window: OpenWindow, closedBy: Uint8Array, content: string, parents: Buffer): ReadyOutput {
  const { key, startMs, endMs, firstId } = window
  const cause = Buffer.allocUnsafe(ID_BYTES)
  Buffer.from(hash('sha256', `${key}\0${startMs}\0${endMs}\0${firstId}`, 'buffer')).copy(cause, FAMILY_BYTES)
  cause.set(closedBy.subarray(0, FAMILY_BYTES))
  const head = `{"key":${JSON.stringify(key)},"startMs":${startMs},"endMs":${endMs}`
  return { key, text: `${head},${content}}`, cause, parents }
}

function dataTexts({ data }: OpenWindow): string[] {
  return data.toSorted((a, b) => a.createdMs - b.createdMs || a.turn - b.turn).map(({ text }) => text)
}

/** What cannot be passed on is said in its place: the window becomes a dead letter with that, and holds nothing up. */
function stateText({ state }: OpenWindow): string {
  let unfit: string
  try {
    const text = exactJson(state)
    const bytes = Buffer.byteLength(text)
    if (bytes <= MAX_WINDOW_BYTES) return `"state":${text}`
    unfit = `its state has ${bytes} bytes, more than ${MAX_WINDOW_BYTES}: keep less in it`
  } catch (cause) {
    unfit = `its state is not plain data: ${cause instanceof Error ? cause.message : String(cause)}`
  }
  return `"unfit":${JSON.stringify(unfit)}`
}

/** The schema of the topic between. @throws TypeError where the window cannot be handled. */
export function readWindowed(value: unknown): WindowOfData<unknown> | WindowOfState<unknown> {
  const { key, startMs, endMs, data, state, count, unfit } = objectOf(value)
  if (typeof key !== 'string' || typeof startMs !== 'number' || typeof endMs !== 'number')
    throw new TypeError('Expected a window with its key, startMs and endMs.')
  if (typeof unfit === 'string') throw new TypeError(`This window cannot be passed on: ${unfit}.`)
  if (Array.isArray(data)) return { key, startMs, endMs, data: data.map(fromExact) }
  if (typeof count !== 'number') throw new TypeError('Expected a window with its data, or with its state and their count.')
  return { key, startMs, endMs, state: fromExact(state), count }
}
