import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The definitions of the kinds that KEDA and the Prometheus Operator bring. */
export const CRDS = join(import.meta.dirname, 'crds')

/** A folder of JSON Schemas made of them, named as kubeconform looks for them; nothing may stand in an object that they do not name. */
export function customSchemas(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-schemas-'))
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(CRDS)) {
    const { spec } = parse(readFileSync(join(CRDS, file), 'utf8'))
    const [version] = spec.versions
    const [group] = spec.group.split('.')
    const name = `${spec.names.kind.toLowerCase()}-${group}-${version.name}.json`
    writeFileSync(join(folder, name), JSON.stringify(closed(version.schema.openAPIV3Schema, true)))
  }
  return folder
}

function closed(schema: unknown, root = false): unknown {
  if (Array.isArray(schema)) return schema.map(item => closed(item))
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  // The metadata that every object has is Kubernetes' own.
  const names = root || ('properties' in schema && !('additionalProperties' in schema))
  return names && typeof inner.properties === 'object' ? { ...inner, additionalProperties: false } : inner
}
