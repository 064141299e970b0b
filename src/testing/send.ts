import { type DataId, formatId, ID_BYTES, mintInto, suppliedId } from '../envelope/data-id.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { FrameWriter } from '../envelope/frame.ts'
import { validate } from '../envelope/schema.ts'
import { MillraceError } from '../errors.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { Stream } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'

export interface SendOptions {
  /** Who sends. Default `'test'`. */
  readonly source?: string
  /** The producer's own id; for several data `<id>:0`, `<id>:1`, …, as with an Idempotency-Key. Sending it again is a duplicate. */
  readonly id?: string
  /** When the data were created, milliseconds since 1970 UTC: all of them, or each. Default: now. */
  readonly createdMs?: number | readonly number[]
}

export interface Receipt {
  readonly dataId: DataId
  readonly state: 'accepted' | 'duplicate'
}

/** Appends data as the front end does: checked, keyed, each in its partition. @throws DATUM_INVALID: nothing was appended; ID_TAKEN. */
export async function send(
  stream: Pick<Stream, 'append'>,
  topic: Topic,
  data: readonly unknown[],
  nowMs: number,
  { source = 'test', id, createdMs = nowMs }: SendOptions = {},
): Promise<Receipt[]> {
  const writers = new Map<number, { writer: FrameWriter; indexes: number[] }>()
  const ids: Uint8Array[] = []
  for (const [index, datum] of data.entries()) {
    const checked = await validate(topic.schema, datum)
    if (checked.issues !== undefined) throw invalid(topic, index, checked.issues)
    const dataId = id === undefined ? minted(nowMs) : suppliedId(source, data.length === 1 ? id : `${id}:${index}`)
    const key = topic.keyOf?.(checked.value) ?? ''
    const { partitions } = topic.spec
    const partition = topic.keyOf === undefined ? partitionOfId(dataId, 0, partitions) : partitionOfKey(key, partitions)
    const to = writers.get(partition) ?? { writer: new FrameWriter(), indexes: [] }
    writers.set(partition, to)
    to.indexes.push(index)
    ids.push(dataId)
    const raw = datum instanceof Uint8Array
    to.writer.add({
      id: dataId,
      idAt: 0,
      supplied: id !== undefined,
      source: Buffer.from(source),
      createdMs: typeof createdMs === 'number' ? createdMs : createdMs[index]!,
      contentType: raw ? 'application/octet-stream' : JSON_TYPE,
      type: '',
      key,
      parents: NO_PARENTS,
      data: raw ? datum : JSON.stringify(datum),
    })
  }
  const receipts: Receipt[] = ids.map(dataId => ({ dataId: formatId(dataId, 0), state: 'accepted' }))
  const batches = [...writers].map(([partition, { writer }]) => ({ topic: topic.name, partition, ...writer.take() }))
  const appended = await stream.append(batches)
  for (const [batch, { indexes }] of [...writers.values()].entries()) {
    const { duplicates, taken } = appended[batch]!
    for (const at of duplicates) receipts[indexes[at]!] = { dataId: receipts[indexes[at]!]!.dataId, state: 'duplicate' }
    if (taken.length > 0) throw new MillraceError('ID_TAKEN', `The id ${receipts[indexes[taken[0]!]!]!.dataId} is another source's.`)
  }
  return receipts
}

function minted(nowMs: number): Uint8Array {
  const id = Buffer.allocUnsafe(ID_BYTES)
  mintInto(id, 0, nowMs)
  return id
}

function invalid(topic: Topic, index: number, issues: readonly { readonly path: string; readonly message: string }[]): MillraceError {
  const said = issues.map(issue => `${issue.path === '' ? '' : `${issue.path}: `}${issue.message}`).join('; ')
  return new MillraceError('DATUM_INVALID', `Datum ${index + 1} does not match topic '${topic.name}': ${said}.`, { issues })
}

const NO_PARENTS = new Uint8Array(0)
