/** One place at which two JSON values differ. */
export interface Difference {
  /** As a condition names it: `reading.unit`, `parts[0].id`; empty for the whole. */
  readonly path: string
  /** Left out where there is none. */
  readonly before?: unknown
  readonly after?: unknown
}

export interface Differences {
  readonly differing: readonly Difference[]
  /** Places that are the same in both. */
  readonly same: number
  /** There are more than are listed. */
  readonly isCut: boolean
}

/** A page shows no more; what differs in so many places is another thing altogether. */
const MOST = 200

/** Where two JSON values differ, leaf by leaf: objects by the names of their fields, arrays by place. */
export function differencesOf(before: unknown, after: unknown): Differences {
  const differing: Difference[] = []
  let same = 0
  let isCut = false
  const compare = (path: string, one: unknown, other: unknown): void => {
    if (differing.length >= MOST) {
      isCut = true
    } else if (isObject(one) && isObject(other)) {
      for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
        compare(joined(path, name), own(one, name), own(other, name))
    } else if (Array.isArray(one) && Array.isArray(other)) {
      for (let i = 0; i < Math.max(one.length, other.length); i++) compare(`${path}[${i}]`, one[i], other[i])
    } else if (JSON.stringify(one) === JSON.stringify(other)) same++
    else differing.push({ path, ...(one === undefined ? {} : { before: one }), ...(other === undefined ? {} : { after: other }) })
  }
  compare('', before, after)
  return { differing, same, isCut }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Own fields only: `constructor` is a name like any other. */
function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
