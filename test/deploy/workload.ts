import type { Manifest } from './chart.ts'

/** A Deployment or a StatefulSet, and the one container of its pods. */
export interface Workload {
  readonly manifest: Manifest
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: read member by member; the API server checks it
  readonly pod: any
  // biome-ignore lint/suspicious/noExplicitAny: read member by member; the API server checks it
  readonly container: any
  readonly env: ReadonlyMap<string, string>
}

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map(manifest => {
      const { metadata, spec: pod } = manifest.spec.template
      const [container, ...others] = pod.containers
      if (others.length > 0) throw new Error(`${manifest.metadata.name} has more than one container`)
      const env = new Map<string, string>(container.env.map((entry: { name: string; value: string }) => [entry.name, entry.value]))
      return { manifest, name: manifest.metadata.name, labels: metadata.labels, pod, container, env }
    })
}

/** The names of the files that a pod has of its projected Secrets. */
export function mountedSecrets(pod: Workload['pod']): string[] {
  const volumes: { projected?: { sources: { secret: { items: { path: string }[] } }[] } }[] = pod.volumes
  return volumes.flatMap(({ projected }) => projected?.sources ?? []).flatMap(({ secret }) => secret.items.map(({ path }) => path))
}

/** @throws where there is none of that name. */
export function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find(manifest => manifest.kind === kind && manifest.metadata.name === name)
  if (found === undefined)
    throw new Error(`There is no ${kind} ${name} among ${manifests.map(m => `${m.kind} ${m.metadata.name}`).join(', ')}`)
  return found
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter(manifest => manifest.kind === kind)
}

/** Whether a selector's labels are all among these. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value)
}

/** Names of Secrets and ConfigMaps, wherever in a manifest they are referred to. */
export function references(manifest: unknown): string[] {
  if (Array.isArray(manifest)) return manifest.flatMap(references)
  if (typeof manifest !== 'object' || manifest === null) return []
  return Object.entries(manifest).flatMap(([member, value]) => {
    const named = typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string' ? [value.name] : []
    if (['secretRef', 'configMapRef', 'secretKeyRef', 'configMapKeyRef'].includes(member)) return named
    // A volume's, a projection's.
    if (member === 'secret' || member === 'configMap') return named.length > 0 ? named : [(value as { secretName: string }).secretName]
    if (member === 'secretTargetRef') return (value as { name: string }[]).map(({ name }) => name)
    return references(value)
  })
}
