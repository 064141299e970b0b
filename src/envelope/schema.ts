import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { Issue } from '../errors.ts'

export type { StandardSchemaV1 }
export type InputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>
export type OutputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>

export type Validated<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

/** Issues told of one value: a list of a hundred thousand wrong elements would be answered with more than was sent. */
const MOST_ISSUES = 20
/** Characters of a path or a message: both may repeat a producer's own text. */
const MOST_ISSUE_LENGTH = 500

/** Checks a value against any Standard Schema (https://standardschema.dev). A promise only where the schema itself is asynchronous. */
export function validate<S extends StandardSchemaV1>(schema: S, value: unknown): Validated<OutputOf<S>> | Promise<Validated<OutputOf<S>>> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(settle<S>) : settle<S>(result)
}

function settle<S extends StandardSchemaV1>(result: StandardSchemaV1.Result<unknown>): Validated<OutputOf<S>> {
  // The spec ties the result's value to the schema's output type; its own type leaves it unknown.
  if (result.issues === undefined) return { value: result.value as OutputOf<S> }
  const told = result.issues.slice(0, MOST_ISSUES).map(issue => ({ path: cut(pathText(issue.path)), message: cut(issue.message) }))
  const more = result.issues.length - told.length
  return { issues: more === 0 ? told : [...told, { path: '', message: `and ${more} more` }] }
}

function cut(text: string): string {
  return text.length > MOST_ISSUE_LENGTH ? `${text.slice(0, MOST_ISSUE_LENGTH - 1)}…` : text
}

function pathText(path: StandardSchemaV1.Issue['path']): string {
  let text = ''
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    text += typeof key === 'number' ? `[${key}]` : text === '' ? String(key) : `.${String(key)}`
  }
  return text
}

/**
 * What a schema says as JSON Schema (https://standardschema.dev/json-schema), in the form that producers send; undefined where its library does
 * not say it, or the schema has something that JSON Schema cannot: a date, a check of one's own.
 */
export function jsonSchemaOf(schema: StandardSchemaV1): Record<string, unknown> | undefined {
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard']
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    // The libraries throw where they cannot say it.
    return undefined
  }
}

/** The schema of a topic whose data are bytes (video frames, documents, …): the handler gets a Uint8Array as it was sent. */
export function bytes(): StandardSchemaV1<Uint8Array, Uint8Array> {
  return {
    '~standard': {
      version: 1,
      vendor: 'millrace',
      validate: value =>
        value instanceof Uint8Array
          ? { value }
          : { issues: [{ message: `Expected bytes, received ${value === null ? 'null' : typeof value}` }] },
    },
  }
}
