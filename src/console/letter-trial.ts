import type { StoredLetter } from '../agents/dead-letter.ts'
import { isMillraceError, type PortableError } from '../errors.ts'
import type { Pipeline } from '../pipeline.ts'
import { MASK, type Masking, masked, maskedKey } from '../stream/masked.ts'
import type { AgentVersion } from '../trace/trace.ts'
import type { TriedLetter } from './api/dead.ts'
import { cacheMaskingOf, maskingOf } from './masked.ts'

/** Tries an agent's handler on a datum, somewhere where it can harm nobody; its error crosses threads. */
export type Try = (letter: Pick<StoredLetter, 'agent' | 'topic'>, frame: Uint8Array | undefined) => Promise<Outcome>

/** What came of it. */
export interface Outcome {
  readonly agent?: AgentVersion
  readonly withoutPast: boolean
  readonly outcome:
    | { readonly kind: 'outputs'; readonly outputs: readonly Output[] }
    | { readonly kind: 'failure'; readonly error: PortableError }
    | { readonly kind: 'untried'; readonly reason: string }
}

interface Output {
  readonly to: string
  readonly key: string
  readonly data: string | Uint8Array
}

/** `POST /v1/dead/try`. @param frame makes the datum, as it is or as a person has edited it; what it refuses is how the trial ends. */
export async function triedLetter(
  letter: StoredLetter,
  frame: () => Promise<Uint8Array | undefined>,
  attempt: Try,
  pipeline: Pipeline | undefined,
): Promise<TriedLetter> {
  const { agent: of, dataId } = letter
  const about = { letter: letter.letter, agent: of.name, version: of.version, data_id: dataId, without_past: false }
  let datum: Uint8Array | undefined
  try {
    datum = await frame()
  } catch (error) {
    // Other data that do not match their topic would be refused by an edit, and fail with the agent.
    if (!isMillraceError(error, 'DATUM_INVALID') && !isMillraceError(error, 'BODY_MALFORMED')) throw error
    return { ...about, outcome: 'failure', error: sentenceOf(error) }
  }
  const { agent = of, withoutPast, outcome } = await attempt(letter, datum)
  const tried = { ...about, version: agent.version, without_past: withoutPast }
  if (outcome.kind === 'untried') return { ...tried, outcome: 'untried', reason: outcome.reason }
  if (outcome.kind === 'failure') return { ...tried, outcome: 'failure', error: sentenceOf(outcome.error) }
  return { ...tried, outcome: 'outputs', outputs: outcome.outputs.map(output => outputToJson(output, pipeline)) }
}

function outputToJson({ to, key, data }: Output, pipeline: Pipeline | undefined): NonNullable<TriedLetter['outputs']>[number] {
  const masking: Masking = pipeline?.caches.has(to) === true ? cacheMaskingOf(pipeline, to) : maskingOf(pipeline, to)
  const json: unknown = typeof data === 'string' ? JSON.parse(data) : undefined
  const shownKey = key === '' ? null : maskedKey(masking, key, json)
  if (typeof data === 'string') return { to, key: shownKey, json: masked(masking, json) }
  // In bytes nothing can be found that would have to be hidden.
  return masking.mask === undefined ? { to, key: shownKey, data: Buffer.from(data).toString('base64') } : { to, key: shownKey, json: MASK }
}

function sentenceOf({ name, message }: Pick<PortableError, 'name' | 'message'>): string {
  return `${name}: ${message}`
}
