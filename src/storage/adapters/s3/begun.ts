import { hash } from 'node:crypto'
import { MillraceError } from '../../../errors.ts'
import { safeSegment } from '../../formats/safe-name.ts'
import type { Roll } from '../../storage.ts'
import type { S3Bucket } from './bucket.ts'

/** An object that a roll was about to write; in parts, where it is large. */
export interface Planned {
  readonly key: string
  readonly parts: boolean
}

/**
 * What the last roll of a partition set out to write, in one object that the next roll overwrites:
 * `<prefix>_begun/<topic>/<writer>-<partition>.json`. It is durable before the roll's first object is, so whoever takes the roll up
 * again knows what an attempt before may have left: objects that have no place any more where settings changed in between, and
 * uploads that were never ended.
 */
export class Begun {
  readonly #bucket: S3Bucket
  readonly #roll: Roll
  readonly #key: string

  constructor(bucket: S3Bucket, roll: Roll) {
    const { topic, writer, partition } = roll
    this.#bucket = bucket
    this.#roll = roll
    this.#key = `${bucket.place.prefix}_begun/${safeSegment(topic.name)}/${writer}-${partition}.json`
  }

  /** What attempts before this one have set out to write; nothing where the object is of another roll. */
  async read(signal: AbortSignal): Promise<Planned[]> {
    const text = await this.#bucket.get(this.#key, signal)
    if (text === undefined) return []
    const plan = parsed(text)
    if (plan === undefined)
      throw new MillraceError('STORE_DENIED', `${this.#key} in ${this.#bucket.place.name} is not what a roll has written.`, {
        fix: 'Delete it. Objects of a roll that was cut off may then be there twice, once in a manifest and once not.',
      })
    if (plan.first_offset !== this.#roll.first) return []
    return plan.objects.filter(({ key }) => this.#isOurs(key))
  }

  /** Replaces the plan; that of attempts before is to be part of it. */
  async write(objects: readonly Planned[], signal: AbortSignal): Promise<void> {
    const { topic, partition, writer, first, end } = this.#roll
    const plan = { version: 1, topic: topic.name, partition, writer, first_offset: first, end_offset: end, objects }
    const bytes = Buffer.from(`${JSON.stringify(plan)}\n`)
    const put = { key: this.#key, contentType: 'application/json', data: false }
    await this.#bucket.put(put, bytes, hash('sha256', bytes, 'base64'), signal)
  }

  /** Whether an object is of this very roll, by its name: nothing else is ever removed. */
  #isOurs(key: string): boolean {
    const { partition, first, writer } = this.#roll
    const name = key.slice(key.lastIndexOf('/') + 1).replace(/^replay-/, '')
    return key.startsWith(this.#bucket.place.prefix) && new RegExp(`^${partition}-0*${first}-${writer}[-.]`).test(name)
  }
}

/** Undefined where it is none of ours, or one that a person has edited. */
function parsed(text: string): { first_offset: number; objects: Planned[] } | undefined {
  try {
    // What it is is checked below.
    const plan = JSON.parse(text) as { first_offset: number; objects: Planned[] }
    const valid = plan.objects.every(({ key, parts }) => typeof key === 'string' && typeof parts === 'boolean')
    return valid && typeof plan.first_offset === 'number' ? plan : undefined
  } catch {
    return undefined
  }
}
