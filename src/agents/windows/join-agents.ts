import { hash } from 'node:crypto'
import { ID_BYTES, parseId } from '../../envelope/data-id.ts'
import type { Agent, FoldedAt, Handler } from '../agent.ts'
import { type ReadyOutput, ReadyOutputs } from '../ready-outputs.ts'
import { aheadOf } from './event-time.ts'
import { exact, exactJson, fromExact } from './exact-json.ts'
import type { Join, Pair } from './join.ts'
import { keyOf } from './key-of.ts'
import { type HeldSide, type Met, OpenPairs } from './open-pairs.ts'
import { objectOf, ownAgent, ownFold, ownTopic } from './own-agent.ts'
import { ahead, PUT_AGAIN, refused } from './refusal.ts'

const FAMILY_BYTES = 6
/** A datum that ends its thread is given up on: nothing but itself and its own pairs hangs on it. */
const ATTEMPTS = 5

/** A datum of either topic in the log that the pairs are made from. */
interface Side {
  readonly key: string
  readonly side: 0 | 1
  readonly createdMs: number
  readonly datum: unknown
}

/**
 * An agent that reads a join is three. How two logs lie beside each other is not the same twice, so `<name>.sides` first puts both topics into
 * one, by key; `<name>.pairs` is a fold over that one log, and puts out each pair; the user's is an ordinary agent that reads the pairs.
 */
export function joinAgents(agent: Agent, join: Join): readonly [sides: Agent, pairs: Agent, users: Agent] {
  const { version } = join
  const from = [join.left, join.right]
  const sides = ownTopic(`_sides.${agent.name}@${version}`, from, readSide)
  const pairs = ownTopic(`_pairs.${agent.name}@${version}`, from, readPair)
  const part = { version, start: agent.start, partOf: agent.name }
  const forwards = ownAgent(
    { ...part, name: `${agent.name}.sides`, from, to: [sides], by: undefined, state: undefined, handler: forward(join) },
    ATTEMPTS,
  )
  const matches = ownAgent(
    {
      ...{ ...part, name: `${agent.name}.pairs`, from: [sides], to: join.late === undefined ? [pairs] : [pairs, join.late] },
      start: 'earliest',
      ...ownFold(openPairs(join), (side, step) => putOut(side, step, join)),
    },
    ATTEMPTS,
  )
  return [{ ...forwards, addressed: false }, matches, { ...agent, from: [pairs], gather: undefined }]
}

function forward({ left, by, maxAheadMs }: Join): Handler {
  return (datum, { envelope: { dataId, createdMs, type } }) => {
    const madeMs = aheadOf(maxAheadMs, { id: parseId(dataId), idAt: 0, createdMs })
    if (madeMs !== undefined) throw refused(ahead(maxAheadMs, createdMs, madeMs))
    return { key: keyOf(by, datum), side: type === left.name ? 0 : 1, createdMs, datum: exact(datum) }
  }
}

/** What the state of a partition is after a datum. What waits is changed in place; the rest is of this datum alone. */
interface Step extends Met {
  readonly open: OpenPairs
  readonly held: Pick<HeldSide, 'id' | 'text'> | undefined
}

function openPairs(join: Join) {
  return {
    init: (): Step => stepOf(new OpenPairs(join)),
    update({ open }: Step, { key, side, createdMs, datum }: Side, at: FoldedAt): Step {
      const id = Buffer.from(at.id.buffer, at.id.byteOffset + at.idAt, ID_BYTES).toString('latin1')
      const held = { key, side, createdMs, id, text: exactJson(datum) }
      return { ...open.take(held), open, held }
    },
    again: ({ open }: Step): Step => ({ ...stepOf(open), refusal: PUT_AGAIN }),
    size: ({ open }: Step) => open.size,
    save: ({ open }: Step) => open.save(),
    load: (saved: unknown): Step => stepOf(OpenPairs.load(join, saved)),
    begin: ({ open }: Step) => open.begin(),
  }
}

function stepOf(open: OpenPairs): Step {
  return { open, partners: [], refusal: undefined, held: undefined }
}

function putOut({ key, side, datum }: Side, { partners, refusal, held }: Step, { late }: Join): unknown {
  if (refusal !== undefined) {
    if (refusal.code === 'WINDOW_CLOSED' && late !== undefined) return [{ to: late, value: datum }]
    throw refused(refusal)
  }
  if (held === undefined || partners.length === 0) return undefined
  return new ReadyOutputs(partners.map(partner => pairOutput(key, side, held, partner)))
}

/** The cause of a pair is the two that it is made of, in the order of their ids; its time is that of the one that came second. */
function pairOutput(key: string, side: 0 | 1, own: Pick<HeldSide, 'id' | 'text'>, partner: HeldSide): ReadyOutput {
  const parents = Buffer.from(own.id + partner.id, 'latin1')
  const sorted = own.id < partner.id ? parents : Buffer.from(partner.id + own.id, 'latin1')
  const cause = Buffer.allocUnsafe(ID_BYTES)
  hash('sha256', sorted, 'buffer').copy(cause, FAMILY_BYTES)
  parents.copy(cause, 0, 0, FAMILY_BYTES)
  const [left, right] = side === 0 ? [own, partner] : [partner, own]
  return { key, text: `{"key":${JSON.stringify(key)},"left":${left.text},"right":${right.text}}`, cause, parents }
}

function readSide(value: unknown): Side {
  const { key, side, createdMs, datum } = objectOf(value)
  if (typeof key !== 'string' || (side !== 0 && side !== 1) || typeof createdMs !== 'number')
    throw new TypeError('Expected a datum of one side, with its key and createdMs.')
  return { key, side, createdMs, datum: fromExact(datum) }
}

function readPair(value: unknown): Pair<unknown, unknown> {
  const { key, left, right } = objectOf(value)
  if (typeof key !== 'string') throw new TypeError('Expected a pair with its key, left and right.')
  return { key, left: fromExact(left), right: fromExact(right) }
}
