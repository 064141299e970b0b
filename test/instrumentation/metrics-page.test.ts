import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { METRICS_PAGE, metricsPage } from '../../scripts/metrics-page.ts'
import { METRICS, type MetricSpec } from '../../src/instrumentation/catalog.ts'
import { LABELS } from '../../src/instrumentation/labels.ts'

test('docs/metrics.md is what the catalog says; else run: node scripts/metrics-page.ts', async () => {
  expect(await readFile(METRICS_PAGE, 'utf8')).toBe(metricsPage())
})

test('every metric is on the page once, with its type, unit, labels and meaning', () => {
  const rows = [...metricsPage().matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| `([^`]+)` \| ([^|]*) \| (.*) \|$/gm)]
  const onPage = rows.map(([, name, kind, unit, labels, help]) => {
    return { name, kind, unit, labels: [...labels!.matchAll(/`([a-z_]+)`/g)].map(([, label]) => label), help }
  })
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) => a.name!.localeCompare(b.name!)
  const declared = Object.values<MetricSpec>(METRICS).map(({ name, kind, unit, labels, help }) => {
    return { name, kind, unit, labels: [...labels], help }
  })
  expect(onPage.sort(byName)).toEqual(declared.sort(byName))
})

test('every label is one that a metric has, and none could hold a datum, its source or its place', () => {
  expect(new Set(Object.values<MetricSpec>(METRICS).flatMap(({ labels }) => labels))).toEqual(new Set(Object.keys(LABELS)))
  expect(Object.keys(LABELS).filter(label => /id$|source|key|offset|partition|path/.test(label))).toEqual([])
})
