/** What is searched for, as it stands in the URL; texts that are empty ask for nothing. */
export interface Asked {
  readonly source: string
  readonly key: string
  readonly topic: string
  readonly from: string
  readonly to: string
  readonly where: readonly string[]
}

export function askedIn(query: URLSearchParams): Asked {
  const text = (name: string) => query.get(name)?.trim() ?? ''
  return {
    source: text('source'),
    key: text('key'),
    topic: text('topic'),
    from: text('from'),
    to: text('to'),
    where: query.getAll('where'),
  }
}

/** Nothing is read before somebody asks: to look at every topic costs. */
export function asksNothing({ where, ...texts }: Asked): boolean {
  return where.length === 0 && Object.values(texts).every(text => text === '')
}

/** The question as the API takes it. @param before where an earlier answer stopped. */
export function searchPath({ where, ...texts }: Asked, limit: number, before?: string): string {
  const query = new URLSearchParams(Object.entries(texts).filter(([, value]) => value !== ''))
  for (const condition of where) query.append('where', condition)
  query.set('limit', String(limit))
  if (before !== undefined) query.set('before', before)
  return `/v1/data?${query}`
}

const DATA_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function isDataId(text: string): boolean {
  return DATA_ID.test(text)
}
