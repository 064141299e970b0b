import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { METRICS, type MetricSpec } from '../../src/instrumentation/catalog.ts'
import { dashboard, questions, RULES_TEST, rules } from './monitoring.ts'

const specs = new Map(Object.values<MetricSpec>(METRICS).map(spec => [spec.name, spec]))
/** A histogram is asked by its parts. */
const specOf = (name: string) => specs.get(name) ?? specs.get(name.replace(/_(bucket|sum|count)$/, ''))
/** Of Prometheus and of those who scrape. */
const FOREIGN_LABELS = new Set(['job', 'instance', 'le'])

/** Each metric that a question names, with the labels that it asks of it. */
function selectors(promql: string) {
  return [...promql.matchAll(/\b((?:millrace|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map(([, name, matchers = '']) => ({
    name: name!,
    labels: [...matchers.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label]) => label!),
  }))
}

const asked = [
  ...rules().map(({ expr }) => expr),
  ...questions(dashboard()),
  ...dashboard().templating.list.flatMap(({ definition }) => definition ?? []),
]

test('every metric and label that the dashboard and the alerts ask for is in the spec', () => {
  const unknown = asked.flatMap(selectors).filter(({ name, labels }) => {
    const spec = specOf(name)
    return spec === undefined || labels.some(label => !FOREIGN_LABELS.has(label) && !(spec.labels as readonly string[]).includes(label))
  })
  expect(unknown).toEqual([])
  expect(asked.flatMap(selectors).length).toBeGreaterThan(50)
})

test('every value that an alert compares a label with is one that the label has', () => {
  const states = asked.flatMap(promql => [...promql.matchAll(/state=~?"([^"]+)"/g)].flatMap(([, value]) => value!.split('|')))
  const known = [...readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8').matchAll(/`([a-z_]+)`/g)].map(
    ([, word]) => word,
  )
  expect(states.filter(state => !known.includes(state))).toEqual([])
  expect(states.length).toBeGreaterThan(0)
})

test('every alert is tested, and says in words what it is about and what to do', () => {
  const tests = readFileSync(RULES_TEST, 'utf8')
  for (const { alert, annotations, labels } of rules()) {
    expect(tests, alert).toContain(alert)
    expect(annotations.summary.length * annotations.description.length, alert).toBeGreaterThan(0)
    expect(['critical', 'warning'], alert).toContain(labels.severity)
  }
})

test('the dashboard’s panels have an id each, say what they show, and none lies on another', () => {
  const { panels } = dashboard()
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const taken = new Map<string, string>()
  for (const { title, type, description, gridPos } of panels) {
    if (type !== 'row') expect(description, title).toBeTruthy()
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.get(`${x}/${y}`), title).toBeUndefined()
        taken.set(`${x}/${y}`, title)
      }
  }
})
