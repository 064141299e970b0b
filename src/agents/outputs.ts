import { Deriver, ID_BYTES } from '../envelope/data-id.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { type FrameParts, FrameWriter } from '../envelope/frame.ts'
import { type Validated, validate } from '../envelope/schema.ts'
import { MillraceError } from '../errors.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { AppendBatch } from '../stream/stream.ts'
import type { Topic } from '../stream/topic.ts'
import type { Agent, Target } from './agent.ts'
import type { ArrivalLog } from './arrivals.ts'
import type { Cache } from './cache.ts'
import { sayIssues } from './decode.ts'
import { ReadyOutputs } from './ready-outputs.ts'
import { outputsOf } from './results.ts'

const BYTES_TYPE = 'application/octet-stream'
/** A batch is appended whole, and a stream takes no larger one than it takes data: Kafka 1 MB unless it is told otherwise, a third more as JSON. */
const MAX_APPEND_BYTES = 512 * 1024
const MAX_KEY_BYTES = 1_024
/** What a frame can name; of a longer window the newest are named. */
const MAX_PARENTS_BYTES = 65_535 * ID_BYTES
/** A key of so many characters cannot be longer than {@link MAX_KEY_BYTES}. */
const SAFE_KEY_LENGTH = MAX_KEY_BYTES / 3

/** An output that was checked and encoded: writing it cannot fail. */
export interface Staged {
  /** Its place in the agent's targets. */
  readonly target: number
  readonly key: string
  readonly data: string | Uint8Array
  /**
   * 16 bytes: what its id is derived from, where that is not the datum handled: a window, a pair, another datum of its batch. Outputs of one
   * cause are counted among themselves, so their order makes their ids.
   */
  readonly cause?: Uint8Array
  /** The ids of its parents, 16 bytes each, where they are not the datum handled and its window. */
  readonly parents?: Uint8Array
}

/** What an output comes from: its id and its parents' are derived from it. Buffers are read at once and not kept. */
export interface Cause {
  readonly id: Uint8Array
  readonly idAt: number
  /** The datum's id, then the rest of its window's, newest to oldest. */
  readonly parents: Uint8Array
  /** The outputs are those of the version that gets a share of the data. */
  readonly ramped?: boolean
  /** Of the datum: its producer gave its id, and when it was appended, or before. */
  readonly supplied: boolean
  readonly appendedMs: number
}

/**
 * An agent's outputs on their way into the stream. First {@link stage}: all of a datum's outputs are checked and encoded, or none is
 * written. Then {@link write}: ids, partitions, frames. One for each partition that is read, for one lease: the edition is the lease's.
 */
export class Outputs {
  readonly #agent: Agent
  readonly #targets: readonly TargetWriter[]
  readonly #indexes: ReadonlyMap<Target, number>
  readonly #id = Buffer.allocUnsafe(ID_BYTES)
  readonly #parts: FrameParts
  /** Batches that hold as much as one should: the windows that one datum closes may be many megabytes. */
  #full: AppendBatch[] = []
  /** What outputs name as their source: the agent, or the version that gets a share of its data. */
  readonly #source: Buffer
  readonly #rampedSource: Buffer
  /** Where outputs get to the end of an objective. */
  readonly #arrivals: ArrivalLog | undefined
  #count = 0
  #bytes = 0

  constructor(agent: Agent, edition: number, arrivals?: ArrivalLog) {
    this.#agent = agent
    this.#arrivals = arrivals
    this.#targets = agent.to.map(target => ({
      target,
      topic: target.kind === 'topic' ? target : undefined,
      deriver: new Deriver(agent.name, edition, target.name),
      writers: [],
      next: 0,
    }))
    this.#indexes = new Map(agent.addresses.map((target, index) => [target, index]))
    this.#source = Buffer.from(`${agent.name}@${agent.version}`, 'utf8')
    this.#rampedSource = Buffer.from(`${agent.name}@${agent.ramps?.agent.version ?? agent.version}`, 'utf8')
    this.#parts = {
      id: this.#id,
      idAt: 0,
      supplied: false,
      source: this.#source,
      createdMs: 0,
      contentType: JSON_TYPE,
      type: '',
      key: '',
      parents: this.#id,
      data: '',
    }
  }

  /** How many outputs were written to topics since the last {@link take}. */
  get count(): number {
    return this.#count
  }

  /** About how many bytes they have. */
  get bytes(): number {
    return this.#bytes
  }

  /** Checks and encodes what a handler returned. A promise only where a target's schema is asynchronous. @throws OUTPUT_INVALID with the path */
  stage(result: unknown): readonly Staged[] | Promise<readonly Staged[]> {
    if (result instanceof ReadyOutputs) return result.outputs.map(({ text, ...output }) => ({ ...output, target: 0, data: text }))
    const outputs = outputsOf(result)
    const staged: (Staged | Promise<Staged>)[] = []
    let waits = false
    for (let index = 0; index < outputs.length; index++) {
      const one = this.#stageOne(outputs[index], index)
      if (one instanceof Promise) waits = true
      staged.push(one)
    }
    // Without a promise among them, they are what the type says.
    return waits ? Promise.all(staged) : (staged as Staged[])
  }

  /** Writes a datum's outputs to their topics' batches; values for caches are handed to `cached`. */
  write(staged: readonly Staged[], cause: Cause, nowMs: number, cached: (cache: Cache, key: string, value: string) => void): void {
    for (const target of this.#targets) target.next = 0
    const parts = this.#parts
    const parents = named(cause.parents)
    let counts: CauseCounts | undefined
    parts.createdMs = nowMs
    parts.source = cause.ramped === true ? this.#rampedSource : this.#source
    for (const { target: index, key, data, cause: own, parents: ownParents } of staged) {
      const to = this.#targets[index]!
      if (to.topic === undefined) {
        // A target that is not a topic is a cache, and what goes there was encoded as JSON.
        cached(to.target as Cache, key, data as string)
        continue
      }
      if (own === undefined) to.deriver.into(this.#id, 0, cause.id, cause.idAt, to.next++)
      else {
        counts ??= new CauseCounts()
        to.deriver.into(this.#id, 0, own, 0, counts.next(index, own))
      }
      if (own === undefined) this.#arrivals?.note(index, cause.id, cause.idAt, cause.supplied, cause.appendedMs)
      else this.#arrivals?.note(index, own, 0, false, cause.appendedMs)
      const partitions = to.topic.spec.partitions
      const partition = to.topic.keyOf === undefined ? partitionOfId(this.#id, 0, partitions) : partitionOfKey(key, partitions)
      parts.parents = ownParents === undefined ? parents : named(ownParents)
      parts.key = key
      parts.data = data
      parts.contentType = typeof data === 'string' ? JSON_TYPE : BYTES_TYPE
      to.writers[partition] ??= new FrameWriter()
      const writer = to.writers[partition]
      if (writer.count > 0 && writer.byteLength + data.length + parts.parents.length > MAX_APPEND_BYTES)
        this.#full.push({ topic: to.topic.name, partition, ...writer.take() })
      writer.add(parts)
      this.#count++
      this.#bytes += data.length + parts.parents.length
    }
  }

  take(): AppendBatch[] {
    const batches = this.#full
    this.#full = []
    for (const { topic, writers } of this.#targets) {
      writers.forEach((writer, partition) => {
        if (topic !== undefined && writer.count > 0) batches.push({ topic: topic.name, partition, ...writer.take() })
      })
    }
    this.#count = 0
    this.#bytes = 0
    return batches
  }

  #stageOne(output: unknown, position: number): Staged | Promise<Staged> {
    let index = 0
    let value = output
    if (this.#agent.addressed) {
      const found = isAddressed(output) ? this.#indexes.get(output.to) : undefined
      if (found === undefined || !isAddressed(output)) throw this.#unaddressed(position)
      index = found
      value = output.value
    }
    const to = this.#targets[index]
    if (to === undefined) throw this.#unaddressed(position)
    const checked = this.#check(to.target, value, position)
    if (checked instanceof Promise) return checked.then(done => this.#encode(index, value, done, position))
    return this.#encode(index, value, checked, position)
  }

  #check(target: Target, value: unknown, position: number): Validated<unknown> | Promise<Validated<unknown>> {
    try {
      return validate(target.schema, value)
    } catch (cause) {
      throw this.#invalid(target, position, `its schema threw ${String(cause)}`, { cause })
    }
  }

  #encode(index: number, value: unknown, checked: Validated<unknown>, position: number): Staged {
    const target = this.#targets[index]!.target
    if (checked.issues !== undefined) throw this.#invalid(target, position, sayIssues(checked.issues, target), { issues: checked.issues })
    const key = this.#keyOf(target, checked.value, position)
    if (value instanceof Uint8Array && target.kind === 'topic') return { target: index, key, data: value }
    let data: string | undefined
    try {
      data = JSON.stringify(value)
    } catch (cause) {
      throw this.#invalid(target, position, `it cannot be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      })
    }
    if (data === undefined) throw this.#invalid(target, position, `${typeof value} cannot be written as JSON`)
    return { target: index, key, data }
  }

  #keyOf(target: Target, value: unknown, position: number): string {
    if (target.keyOf === undefined) return ''
    let key: unknown
    try {
      key = target.keyOf(value)
    } catch (cause) {
      throw this.#invalid(target, position, `its key function threw ${String(cause)}`, { cause })
    }
    if (typeof key !== 'string') throw this.#invalid(target, position, `its key is ${key === null ? 'null' : typeof key}, not a string`)
    if (key.length > SAFE_KEY_LENGTH && Buffer.byteLength(key) > MAX_KEY_BYTES)
      throw this.#invalid(target, position, `its key has ${Buffer.byteLength(key)} bytes, more than ${MAX_KEY_BYTES}`)
    return key
  }

  #invalid(target: Target, position: number, why: string, options: ConstructorParameters<typeof MillraceError>[2] = {}): MillraceError {
    return new MillraceError('OUTPUT_INVALID', `Output ${position + 1} does not match ${target.kind} '${target.name}': ${why}.`, options)
  }

  #unaddressed(position: number): MillraceError {
    const names = this.#agent.addresses.map(target => target.name)
    if (names.length === 0)
      return new MillraceError('OUTPUT_INVALID', 'The handler returned an output, but the agent declares no target.', {
        fix: "Name the topic in 'to', or return nothing.",
      })
    return new MillraceError(
      'OUTPUT_INVALID',
      `Output ${position + 1} is not addressed to one of the agent's targets (${names.join(', ')}).`,
      {
        fix: 'Return out(target, value).',
      },
    )
  }
}

interface TargetWriter {
  readonly target: Target
  readonly topic: Topic | undefined
  readonly deriver: Deriver
  /** By partition; each keeps its buffer from unit to unit. */
  readonly writers: FrameWriter[]
  /** Index of the datum's next output to this target. */
  next: number
}

/** How many outputs of causes of their own there were, by target. */
class CauseCounts {
  readonly #counts = new Map<string, number>()

  next(target: number, cause: Uint8Array): number {
    const name = `${target}/${Buffer.from(cause.buffer, cause.byteOffset, ID_BYTES).toString('latin1')}`
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    return count
  }
}

/** What a frame can name of the parents. */
function named(parents: Uint8Array): Uint8Array {
  return parents.length > MAX_PARENTS_BYTES ? parents.subarray(0, MAX_PARENTS_BYTES) : parents
}

function isAddressed(output: unknown): output is { readonly to: Target; readonly value: unknown } {
  return typeof output === 'object' && output !== null && 'to' in output && 'value' in output
}
