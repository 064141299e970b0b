import type { InputOf, OutputOf, StandardSchemaV1 } from '../envelope/schema.ts'
import { checkMask, type Mask } from '../stream/masked.ts'
import { checkName } from '../stream/topic.ts'

/**
 * The latest value of each key, for dashboards to poll: an output like a topic, committed with the agent's own progress, so a
 * running average is never counted twice. Write only what the agent's `state` or `window` says, never what was read from the cache.
 */
export interface Cache<In = unknown, Out = unknown> {
  readonly kind: 'cache'
  readonly name: string
  readonly schema: StandardSchemaV1<In, Out>
  keyOf(value: Out): string
  /** What people do not see of its values on the operators' side. */
  readonly mask?: Mask
}

/**
 * Declares a cache.
 * @param key of a value, at most 1,024 bytes of UTF-8; each key must be written from one partition's data (give the agent's topic the same key).
 * @param mask what the operators' listener hides of each value, as a topic's.
 */
export function cache<S extends StandardSchemaV1>(
  name: string,
  schema: S,
  options: { readonly key: (value: OutputOf<S>) => string; readonly mask?: Mask },
): Cache<InputOf<S>, OutputOf<S>> {
  checkName('cache', name)
  if (typeof options?.key !== 'function') throw new TypeError(`cache('${name}') needs { key: value => … }: whose latest value is it?`)
  checkMask(options.mask, `cache('${name}')`)
  return {
    kind: 'cache',
    name,
    // As in topic(): the types were read from the schema's phantom properties.
    schema: schema as StandardSchemaV1<InputOf<S>, OutputOf<S>>,
    keyOf: options.key,
    ...(options.mask === undefined ? {} : { mask: options.mask }),
  }
}
