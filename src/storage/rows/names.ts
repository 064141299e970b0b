/** A name in SQL: quoted, so that it is taken as it is, whatever its case and characters. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A topic's name as one that needs no quotes in SQL: lower case, `_` for every `-` and `.`. */
export function plainName(topic: string): string {
  return topic.toLowerCase().replace(/[^a-z0-9_]/g, '_')
}

/** A field's name as its column's, unless that is taken, or would be by another field that gave way: then `data_` and its name. */
export function untaken(field: string, taken: ReadonlySet<string>): string {
  for (let rest = field.toLowerCase(); ; rest = rest.slice('data_'.length)) {
    if (taken.has(rest)) return `data_${field}`
    if (!rest.startsWith('data_')) return field
  }
}
