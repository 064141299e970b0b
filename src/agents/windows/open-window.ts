import { ID_BYTES } from '../../envelope/data-id.ts'

/** A datum in windows. One that is in several is held once. */
export interface HeldDatum {
  /** 16 characters, a byte each: a buffer for each id would take several times as much. */
  readonly id: string
  readonly createdMs: number
  /** Its place in the order of arrival. */
  readonly turn: number
  /** `exactJson` of what the topic's schema made of it. */
  readonly text: string
  readonly bytes: number
  /** How many open windows it is in. */
  windows: number
}

/** A window that is open, or has just been closed. */
export interface OpenWindow {
  readonly key: string
  startMs: number
  endMs: number
  /** In the order of arrival. Empty where the window keeps a state. */
  data: HeldDatum[]
  /** What its data or its state take of its datum on the stream, about; the state when it was measured last. */
  bytes: number
  /** The state, where the window keeps one, of so many data. */
  state: unknown
  count: number
  /** Ids of the last that arrived, where the window keeps a state: as many as {@link NAMED_IDS}. */
  ids: string
  /** The id that arrived first. */
  firstId: string
  /** Closed, or merged into another. */
  isGone: boolean
}

/** How many of its data a window that keeps a state names as its parents, the last that arrived. */
export const NAMED_IDS = 100

/** What a datum takes in a window beside its text: its id among the parents, as the widest of the codecs writes it, and a comma. */
export const AROUND_DATUM_BYTES = 40

/** The ids of a window's data, newest arrival first, 16 bytes each. */
export function parentsOf({ data, ids }: OpenWindow): Buffer {
  const text = data.length === 0 ? ids : data.map(({ id }) => id).join('')
  const parents = Buffer.allocUnsafe(text.length)
  for (let at = 0; at < text.length; at += ID_BYTES) parents.write(text.slice(at, at + ID_BYTES), text.length - ID_BYTES - at, 'latin1')
  return parents
}
