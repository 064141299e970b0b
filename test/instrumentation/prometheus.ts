/** A strict reader of the Prometheus text exposition format 0.0.4: what a scraper would stumble over throws here. */
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\+Inf|-Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?)$`)

export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line does not end.')
  const families = new Map<string, { name: string; type: string; help: string; samples: Family['samples'][number][] }>()
  const seen = new Set<string>()
  let current: { name: string; type: string; help: string; samples: Family['samples'][number][] } | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword, name, rest] = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) ?(.*)$`).exec(line) ?? []
    if (keyword === 'HELP') {
      if (families.has(name!)) throw new Error(`${name} comes twice.`)
      current = { name: name!, type: '', help: rest!, samples: [] }
      families.set(name!, current)
    } else if (keyword === 'TYPE') {
      if (current?.name !== name || current?.type !== '' || current.samples.length > 0) throw new Error(`TYPE out of place: ${line}`)
      current!.type = rest!
    } else if (keyword === undefined) {
      if (line.startsWith('#')) throw new Error(`An unknown comment: ${line}`)
      const sample = parseSample(line)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (seen.has(key)) throw new Error(`A series comes twice: ${line}`)
      seen.add(key)
      const suffix = current?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      if (!suffix.some(end => `${current?.name}${end}` === sample.name)) throw new Error(`A sample outside its family: ${line}`)
      current!.samples.push(sample)
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

function parseSample(line: string) {
  const [, name, labelText = '', value] = SAMPLE.exec(line) ?? []
  if (name === undefined) throw new Error(`Not a sample: ${line}`)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < labelText.length) {
    const [, label, text] = LABEL.exec(labelText) ?? []
    if (label === undefined || label in labels) throw new Error(`Labels cannot be read: ${line}`)
    labels[label] = text!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
  }
  return { name, labels, value: Number(value!.replace('Inf', 'Infinity')) }
}

function checkHistogram(family: Family): void {
  const series = Map.groupBy(family.samples, ({ labels: { le, ...labels } }) => JSON.stringify(labels))
  for (const [labels, samples] of series) {
    const buckets = samples.filter(sample => sample.name.endsWith('_bucket'))
    const rising = buckets.every((bucket, i) => i === 0 || bucket.value >= buckets[i - 1]!.value)
    const count = samples.find(sample => sample.name.endsWith('_count'))?.value
    const last = buckets.at(-1)
    if (!rising || last?.labels.le !== '+Inf' || last.value !== count) throw new Error(`${family.name}${labels} is no histogram.`)
  }
}
