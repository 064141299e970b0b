import { toJsonText } from '../../envelope/json-text.ts'
import type { Asked } from './asked.ts'

/** What a filter may look at beside the datum's own fields. */
export interface Filtered {
  readonly value: unknown
  readonly meta: { readonly data_id: string; readonly source: string; readonly key: string; readonly content_type: string }
}

export type Filter = (datum: Filtered) => boolean

const EXPRESSION = /^\s*([^\s=!<>~]+)\s*(!=|>=|<=|=|>|<|~)\s*(.*?)\s*$/s

/**
 * `station=CE`, `megawatts>=500`, `reading.unit!=MW`, `message~timeout`; `@source`, `@key`, `@data_id` and `@content_type` are the
 * envelope's. All of several must hold. Numbers compare as numbers, everything else as text.
 */
export function parseFilter(expressions: readonly string[], asked: Asked): Filter {
  const tests = expressions.map(expression => parseOne(expression, asked))
  return datum => tests.every(test => test(datum))
}

function parseOne(expression: string, asked: Asked): Filter {
  const match = EXPRESSION.exec(expression)
  if (match === null)
    throw asked.refuse(
      `${asked.name} ${JSON.stringify(expression)} is not a condition.`,
      'Write it as field=value, such as "station=CE" or "megawatts>500" (also !=, >=, <=, <, ~ for contains).',
    )
  const [, path, operator, wanted] = match as unknown as [string, string, string, string] // the pattern has three groups
  const read = reader(path, asked)
  const holds = COMPARE[operator]!
  return datum => {
    const found = read(datum)
    return found === undefined ? operator === '!=' : holds(found, wanted)
  }
}

function reader(path: string, asked: Asked): (datum: Filtered) => unknown {
  if (path.startsWith('@')) {
    const field = path.slice(1)
    if (!isMeta(field))
      throw asked.refuse(`${asked.name} ${path}: the envelope has no ${field}.`, 'It has @data_id, @source, @key and @content_type.')
    return datum => datum.meta[field]
  }
  const steps = path.replace(/\[(\d+)\]/g, '.$1').split('.')
  return datum => steps.reduce(step, datum.value)
}

function isMeta(field: string): field is keyof Filtered['meta'] {
  return field === 'data_id' || field === 'source' || field === 'key' || field === 'content_type'
}

/** Own fields only, so that `constructor` finds nothing. */
function step(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name] // hasOwn has just said that it is there
}

const COMPARE: { readonly [operator: string]: (found: unknown, wanted: string) => boolean } = {
  '=': (found, wanted) => order(found, wanted) === 0,
  '!=': (found, wanted) => order(found, wanted) !== 0,
  '>': (found, wanted) => order(found, wanted) > 0,
  '<': (found, wanted) => order(found, wanted) < 0,
  '>=': (found, wanted) => order(found, wanted) >= 0,
  '<=': (found, wanted) => order(found, wanted) <= 0,
  '~': (found, wanted) => textOf(found).includes(wanted),
}

function order(found: unknown, wanted: string): number {
  if ((typeof found === 'number' || typeof found === 'bigint') && wanted.trim() !== '') return Number(found) - Number(wanted)
  const text = textOf(found)
  return text === wanted ? 0 : text > wanted ? 1 : -1
}

function textOf(found: unknown): string {
  return typeof found === 'string' ? found : toJsonText(found)
}
