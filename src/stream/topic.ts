import { type ByteSize, byteSize, type Duration, durationMs } from '../duration.ts'
import type { InputOf, OutputOf, StandardSchemaV1 } from '../envelope/schema.ts'
import { checkMask, type Mask } from './masked.ts'
import type { TopicSpec } from './stream.ts'

/** A declared topic: a named stream of data that all match one schema. `In` is what may be sent, `Out` what a handler gets. */
export interface Topic<In = unknown, Out = unknown> {
  readonly kind: 'topic'
  readonly name: string
  readonly schema: StandardSchemaV1<In, Out>
  /** Method syntax on purpose: a Topic<…, Reading> may stand where a Topic is asked for. */
  keyOf?(datum: Out): string
  /** What people do not see of its data on the operators' side. */
  readonly mask?: Mask
  readonly spec: TopicSpec
}

export interface TopicOptions<Out> {
  /** Data of one key stay in order, in one partition. Without it they are spread by data_id. At most 1,024 bytes of UTF-8. */
  readonly key?: (datum: Out) => string
  /** How many agents of one kind can share the work at once: 1 to 1,024. It cannot be changed later. Default 4. */
  readonly partitions?: number
  /**
   * How long data are kept, read or not: an age, or an age and a size for the whole topic, whichever is reached first. Default `'7d'`, of
   * any size.
   */
  readonly retention?: Duration | { readonly age?: Duration; readonly size?: ByteSize }
  /**
   * What the console and its API hide of each datum: fields by their paths, such as `['card.number', 'email']` (of an array those of each
   * element), or true for all of it. Agents and stores get the whole datum. Topics that are made of this one need masks of their own.
   */
  readonly mask?: Mask
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,126}$/
const MAX_PARTITIONS = 1024
const DEFAULT_PARTITIONS = 4

/**
 * Declares a topic.
 * @param name letters, digits, `.`, `_`, `-`, at most 127; it is a path segment in URLs and file names.
 * @param schema any Standard Schema; {@link bytes} where the data are not structured.
 */
export function topic<S extends StandardSchemaV1>(
  name: string,
  schema: S,
  options: TopicOptions<OutputOf<S>> = {},
): Topic<InputOf<S>, OutputOf<S>> {
  checkName('topic', name)
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new TypeError(
      `topic('${name}') needs a Standard Schema (Zod, Valibot, ArkType, …) as its second argument, or bytes() for unstructured data.`,
    )
  }
  const partitions = options.partitions ?? DEFAULT_PARTITIONS
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new TypeError(`topic('${name}') has partitions: ${partitions}; it must be a whole number from 1 to ${MAX_PARTITIONS}.`)
  }
  checkMask(options.mask, `topic('${name}')`)
  const retention =
    typeof options.retention === 'object' ? options.retention : options.retention === undefined ? {} : { age: options.retention }
  return {
    kind: 'topic',
    name,
    // Standard Schema carries its types as phantom properties, which inference above has already read.
    schema: schema as StandardSchemaV1<InputOf<S>, OutputOf<S>>,
    ...(options.key === undefined ? {} : { keyOf: options.key }),
    ...(options.mask === undefined ? {} : { mask: options.mask }),
    spec: {
      name,
      partitions,
      retentionMs: durationMs(retention.age ?? '7d', `topic('${name}') retention`),
      ...(retention.size === undefined ? {} : { retentionBytes: byteSize(retention.size, `topic('${name}') retention size`) }),
    },
  }
}

/** @throws TypeError where a name could not be a topic's, agent's or cache's. */
export function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError(
      `${what} ${JSON.stringify(name)} is not a usable name: use letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 127 of them.`,
    )
  }
}
