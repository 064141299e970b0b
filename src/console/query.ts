import { type DataId, formatId, isDataId, suppliedId } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import type { Asked } from './tap/asked.ts'

/** A URL's query as Fastify reads it: a text, or several where a name is repeated. */
export type Query = Readonly<Record<string, string | string[] | undefined>>

/** @throws QUERY_INVALID where it is repeated. */
export function textIn(query: Query, name: string): string | undefined {
  const value = query[name]
  if (Array.isArray(value)) throw invalid(`'${name}' is given ${value.length} times.`, 'Give it once.')
  return value
}

/** Every text that is given by a name. @throws QUERY_INVALID where there are more than so many. */
export function textsIn(query: Query, name: string, most: number): readonly string[] {
  const value = query[name] ?? []
  const texts = Array.isArray(value) ? value : [value]
  if (texts.length > most) throw invalid(`'${name}' is given ${texts.length} times.`, `Give it ${most} times at most.`)
  return texts
}

/** A parameter whose text is read by what commands read their flags with, too. */
export function parameter(name: string): Asked {
  return { name: `'${name}'`, refuse: invalid }
}

/** @throws QUERY_INVALID unless it is a whole number in the range. */
export function countIn(query: Query, name: string, least: number, most: number): number | undefined {
  const text = textIn(query, name)
  return text === undefined ? undefined : count(text, name, least, most)
}

export function count(text: string, name: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most))
    throw invalid(`'${name}' is ${JSON.stringify(text)}.`, `It must be a whole number from ${least} to ${most}.`)
  return value
}

/** @throws QUERY_INVALID unless it is one of the words. */
export function wordIn<Word extends string>(query: Query, name: string, words: readonly Word[]): Word | undefined {
  const text = textIn(query, name)
  const word = words.find(candidate => candidate === text)
  if (text !== undefined && word === undefined) throw invalid(`'${name}' is ${JSON.stringify(text)}.`, `It must be ${words.join(', ')}.`)
  return word
}

/** A data_id as given; with a `source`, the id that this producer gave its datum. @throws QUERY_INVALID */
export function dataIdOf(text: string, query: Query): DataId {
  const source = textIn(query, 'source')
  if (source !== undefined) return formatId(suppliedId(source, text), 0)
  const id = text.toLowerCase()
  if (isDataId(id)) return id
  throw invalid(
    `${JSON.stringify(text)} is not a data_id.`,
    "A data_id is a UUID. For an id that a producer gave, add its source: '?source=…'.",
  )
}

export function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('QUERY_INVALID', what, { fix })
}

const MAX_BY_LENGTH = 200

/** Who asks for a change, as a body says it. @throws QUERY_INVALID */
export function whoIn(by: unknown): string {
  if (typeof by === 'string' && by !== '' && by.length <= MAX_BY_LENGTH) return by
  throw invalid(`'by' is ${JSON.stringify(by)}.`, `Say who does it in 1 to ${MAX_BY_LENGTH} characters, or leave it out.`)
}
