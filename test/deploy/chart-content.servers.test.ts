import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chartFile, type Manifest, notes, render, renderText, VALUES } from './chart.ts'
import { readEnvironment } from './millrace-environment.ts'
import { mountedSecrets, named, ofKind, references, selects, workloads } from './workload.ts'

/** The trace's, as the test below writes them. */
const passwords = {
  defaults: undefined,
  spill: undefined,
  'external-secrets': '-----BEGIN of trace-password',
  everything: '-----BEGIN of trace-password',
}

describe.each(VALUES)('the chart with %s', values => {
  const manifests = render(values)
  const running = workloads(manifests)

  it('has a workload for each role, told by its environment', () => {
    const roles = new Set(running.map(({ env }) => env.get('MILLRACE_ROLE')))
    expect(roles).toEqual(new Set(['frontend', 'agents', 'storage', 'console']))
    for (const { env, labels } of running) expect(env.get('MILLRACE_ROLE')).toBe(labels['app.kubernetes.io/component'])
  })

  it('has selectors that match their own pods and nobody else’s', () => {
    for (const { manifest, name } of running)
      expect([name, running.filter(({ labels }) => selects(manifest.spec.selector.matchLabels, labels)).map(w => w.name)]).toEqual([
        name,
        [name],
      ])
  })

  it('has services, budgets and policies that select pods which are there, and ports that these have', () => {
    const selected = (selector: Readonly<Record<string, string>>) => running.filter(({ labels }) => selects(selector, labels))
    for (const { metadata, spec } of [...ofKind(manifests, 'NetworkPolicy'), ...ofKind(manifests, 'PodDisruptionBudget')]) {
      const selector = (spec.podSelector ?? spec.selector).matchLabels
      expect([metadata.name, selected(selector).length > 0]).toEqual([metadata.name, true])
    }
    for (const { metadata, spec } of ofKind(manifests, 'Service')) {
      expect([metadata.name, selected(spec.selector).length > 0]).toEqual([metadata.name, true])
      for (const { container } of selected(spec.selector))
        expect(container.ports.map((port: { name: string }) => port.name)).toEqual(
          expect.arrayContaining(spec.ports.map((port: { targetPort: string }) => port.targetPort)),
        )
    }
    for (const policy of ofKind(manifests, 'NetworkPolicy'))
      for (const rule of policy.spec.ingress ?? [])
        for (const { port } of rule.ports)
          for (const { container } of selected(policy.spec.podSelector.matchLabels))
            expect(container.ports.map(({ name }: { name: string }) => name)).toContain(port)
  })

  it('runs every container without root, capabilities, a token or a file system to write', () => {
    for (const { container, pod } of running) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10_001,
        fsGroup: 10_001,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
      expect(container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual(
        expect.arrayContaining(['/data', '/tmp']),
      )
      expect(container.resources.limits.memory).toBeDefined()
    }
    for (const account of ofKind(manifests, 'ServiceAccount')) expect(account).toMatchObject({ automountServiceAccountToken: false })
  })

  it('asks every pod whether it lives and is ready, and gives it longer to stop than it needs', () => {
    for (const { container, pod } of running) {
      expect(container.livenessProbe.httpGet).toEqual({ path: '/health/live', port: 'ops' })
      expect(container.startupProbe.httpGet).toEqual({ path: '/health/live', port: 'ops' })
      expect(container.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'ops' })
      const sleep = container.lifecycle?.preStop.sleep.seconds ?? 0
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(sleep + 15)
    }
  })

  it('mounts what it declares, and declares what it mounts', () => {
    for (const { manifest, container, pod, name } of running) {
      const claims = (manifest.spec.volumeClaimTemplates ?? []).map((claim: Manifest) => claim.metadata.name)
      const declared = [...pod.volumes.map((volume: { name: string }) => volume.name), ...claims]
      const mounted = container.volumeMounts.map((mount: { name: string }) => mount.name)
      expect([name, [...declared].sort()]).toEqual([name, [...mounted].sort()])
    }
  })

  it('gives every pod an environment that Millrace can use, with nothing in it that Millrace does not read', async () => {
    const config = named(manifests, 'ConfigMap', 'grid-millrace').data ?? {}
    for (const { env, pod, name } of running) {
      // As the pod has it: the secrets that are mounted, and nothing else, in the folder where they are.
      const folder = mkdtempSync(join(tmpdir(), 'millrace-pod-'))
      for (const path of mountedSecrets(pod)) writeFileSync(join(folder, path), `-----BEGIN of ${path}\n`)
      const here = [...Object.entries(config), ...env].map(([variable, value]) => [
        variable,
        String(value).replace('/run/millrace', folder),
      ])
      const { config: settings, unread } = await readEnvironment(Object.fromEntries(here), folder)
      rmSync(folder, { recursive: true })
      expect([name, unread]).toEqual([name, []])
      expect([name, [...settings.runs.roles]]).toEqual([name, [env.get('MILLRACE_ROLE')]])
      expect([name, settings.listen.port, settings.ops.port]).toEqual([name, 7070, 7071])
      expect([name, settings.connections?.trace.password]).toEqual([name, passwords[values]])
    }
  })

  it('lets nobody in but producers to front ends, workers to their agents, and the release and monitoring to the operators’ listeners', () => {
    const policies = ofKind(manifests, 'NetworkPolicy')
    const base = policies.find(({ metadata }) => metadata.name === 'grid-millrace')!
    expect(base.spec.policyTypes).toEqual(['Ingress', 'Egress'])
    for (const { labels } of running) expect(selects(base.spec.podSelector.matchLabels, labels)).toBe(true)
    const open = policies.flatMap(({ spec }) => (spec.ingress ?? []).map((rule: object) => ({ ...rule, to: spec.podSelector.matchLabels })))
    expect(open.map(({ ports, to }) => [ports[0].port, to['app.kubernetes.io/component']])).toEqual([
      ...(values === 'everything' ? [['attach', 'agents']] : []),
      ['ops', undefined],
      ['data', 'frontend'],
    ])
    expect(open.find(({ ports }) => ports[0].port === 'ops').from).toHaveLength(2)
    expect(
      ofKind(manifests, 'Ingress').every(({ spec }) => spec.rules[0].http.paths[0].backend.service.name === 'grid-millrace-frontend'),
    ).toBe(true)
    expect(
      ofKind(manifests, 'Service')
        .filter(({ spec }) => ![undefined, 'ClusterIP'].includes(spec.type))
        .map(({ metadata }) => metadata.name),
    ).toEqual(values === 'everything' ? ['grid-millrace-frontend'] : [])
  })

  it('refers to what it makes itself, or to what the values name', () => {
    const made = [...ofKind(manifests, 'Secret'), ...ofKind(manifests, 'ConfigMap')].map(({ metadata }) => metadata.name)
    const outside = {
      defaults: ['millrace-keys', 'millrace-operators'],
      spill: ['millrace-keys', 'millrace-operators'],
      'external-secrets': ['kafka-user', 'kafka-cluster-ca', 'redis-auth', 'redis-ca', 'producers', 'grid-pipeline', 'millrace-operators'],
      everything: ['warehouse', 'grid-pipeline', 'mood-workers', 'operators', 'login'],
    }[values]
    const referred = new Set(references(manifests).filter(name => !made.includes(name)))
    expect([...referred].sort()).toEqual([...outside].sort())
  })
})

describe('secrets', () => {
  it('are in Secrets alone: in no ConfigMap, argument, variable or annotation', () => {
    const plain = ['stream-secret-value', 'trace-secret-value', 'keys-secret-value']
    const text = renderText('everything')
    expect(plain.filter(secret => text.includes(secret))).toEqual([])
    const secrets = ofKind(render('everything'), 'Secret').flatMap(({ data }) => Object.values(data ?? {}))
    const decoded = secrets.map(value => Buffer.from(value, 'base64').toString())
    for (const secret of plain) expect(decoded.filter(value => value.includes(secret))).toHaveLength(1)
    for (const value of secrets) expect(text.split(value)).toHaveLength(2)
  })

  it('of others are referred to, and none is made but the user’s name, which KEDA takes from nowhere else', () => {
    const manifests = render('external-secrets')
    expect(ofKind(manifests, 'Secret').map(({ data }) => data)).toEqual([{ username: Buffer.from('millrace').toString('base64') }])
    expect(named(manifests, 'TriggerAuthentication', 'grid-millrace-stream').spec.secretTargetRef).toEqual([
      { parameter: 'username', name: 'grid-millrace-stream-user', key: 'username' },
      { parameter: 'password', name: 'kafka-user', key: 'password' },
      { parameter: 'ca', name: 'kafka-cluster-ca', key: 'ca.crt' },
    ])
  })

  it('that change start new pods, and so does a setting; nothing else does', () => {
    const annotations = (sets: readonly string[]) =>
      workloads(render('everything', sets)).map(({ manifest }) => manifest.spec.template.metadata.annotations)
    const before = annotations([])
    expect(annotations([])).toEqual(before)
    const password = annotations(['stream.password.value="another"'])
    const setting = annotations(['trace.url="redis://other:6379"'])
    for (const [index, old] of before.entries()) {
      expect(password[index]['checksum/secrets']).not.toBe(old['checksum/secrets'])
      expect(password[index]['checksum/config']).toBe(old['checksum/config'])
      expect(setting[index]['checksum/config']).not.toBe(old['checksum/config'])
    }
  })
})

describe('agents that workers attach to', () => {
  it('are reached at every address of a service of their own, ready or not, by those who may, with keys that end without a restart', () => {
    const manifests = render('everything')
    const { spec } = named(manifests, 'Service', 'grid-millrace-agents-mood')
    // A pod is not ready without a worker: it would never get one.
    expect(spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true, ports: [{ port: 7072, targetPort: 'attach' }] })
    const { container, env, pod } = workloads([named(manifests, 'Deployment', 'grid-millrace-agents-mood')])[0]!
    expect([env.get('MILLRACE_ATTACH'), env.get('MILLRACE_AGENT_KEYS')]).toEqual([
      '0.0.0.0:7072',
      '/run/millrace-agent-keys/agent-keys.json',
    ])
    expect(container.volumeMounts).toContainEqual({ name: 'agent-keys', mountPath: '/run/millrace-agent-keys', readOnly: true })
    expect(pod.volumes.find(({ name }: { name: string }) => name === 'agent-keys').secret).toMatchObject({
      secretName: 'mood-workers',
      items: [{ key: 'keys.json', path: 'agent-keys.json' }],
    })
    expect(named(manifests, 'NetworkPolicy', 'grid-millrace-agents-mood').spec.ingress[0].from).toEqual([
      { podSelector: { matchLabels: { app: 'mood' } } },
    ])
  })

  it('are not reached where the values name no keys', () => {
    const manifests = render('everything')
    expect(ofKind(manifests, 'Service').map(({ metadata }) => metadata.name)).not.toContain('grid-millrace-agents-rest')
    const { container, env } = workloads([named(manifests, 'Deployment', 'grid-millrace-agents-rest')])[0]!
    expect(env.has('MILLRACE_ATTACH')).toBe(false)
    expect(container.ports).toHaveLength(1)
  })
})

describe('front ends', () => {
  it('without a spill are a Deployment that is scaled by its CPU, up and down', () => {
    const manifests = render('defaults')
    const deployment = named(manifests, 'Deployment', 'grid-millrace-frontend')
    const scaler = named(manifests, 'HorizontalPodAutoscaler', 'grid-millrace-frontend')
    expect(deployment.spec.replicas).toBeUndefined()
    expect(scaler.spec).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: 'grid-millrace-frontend' },
      minReplicas: 2,
      maxReplicas: 10,
    })
    expect(scaler.spec.behavior.scaleDown.selectPolicy).toBeUndefined()
    expect(workloads([deployment])[0]!.env.get('MILLRACE_SPILL')).toBe('0')
  })

  it('with a spill are a StatefulSet whose disks outlive pods, scaling and uninstalling, and are taken away by a person only', () => {
    const manifests = render('spill')
    expect(ofKind(manifests, 'Deployment').map(({ metadata }) => metadata.name)).not.toContain('grid-millrace-frontend')
    const set = named(manifests, 'StatefulSet', 'grid-millrace-frontend')
    expect(set.spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' })
    expect(set.spec.volumeClaimTemplates[0].spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      resources: { requests: { storage: '20Gi' } },
    })
    expect(workloads([set])[0]!.env.get('MILLRACE_SPILL')).toBe('16GB')
    expect(named(manifests, 'Service', set.spec.serviceName).spec.clusterIP).toBe('None')
    const { spec } = named(manifests, 'HorizontalPodAutoscaler', 'grid-millrace-frontend')
    expect(spec).toMatchObject({ scaleTargetRef: { kind: 'StatefulSet', name: 'grid-millrace-frontend' }, minReplicas: 3, maxReplicas: 6 })
    expect(spec.behavior.scaleDown.selectPolicy).toBe('Disabled')
  })

  it('read their keys from a folder, so that a key that is revoked ends without a restart', () => {
    const { container, env, pod } = workloads([named(render('external-secrets'), 'Deployment', 'grid-millrace-frontend')])[0]!
    expect(env.get('MILLRACE_KEYS')).toBe('/run/millrace-keys/keys.json')
    expect(pod.volumes.find(({ name }: { name: string }) => name === 'keys').secret).toMatchObject({
      secretName: 'producers',
      items: [{ key: 'current.json', path: 'keys.json' }],
    })
    const mount = container.volumeMounts.find(({ name }: { name: string }) => name === 'keys')
    expect(mount).toEqual({ name: 'keys', mountPath: '/run/millrace-keys', readOnly: true })
  })
})

describe('agents', () => {
  const manifests = render('everything')
  const scaled = (name: string, from = manifests) => named(from, 'ScaledObject', `grid-millrace-agents-${name}`).spec

  it('are a Deployment for each entry, with its filter', () => {
    const filters = workloads(manifests)
      .filter(({ env }) => env.get('MILLRACE_ROLE') === 'agents')
      .map(({ labels, env }) => [labels['millrace/agents'], env.get('MILLRACE_AGENTS')])
    expect(filters).toEqual([
      ['forecast', 'forecast@2,forecast@3'],
      ['mood', 'mood'],
      ['rest', 'clean,join'],
    ])
  })

  it('scale to as many replicas as the topic with the most partitions has, and no further', () => {
    expect(scaled('forecast')).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 12 })
    expect(scaled('mood')).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 2 })
    expect(scaled('forecast', render('external-secrets'))).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 8 })
    for (const { spec } of ofKind(manifests, 'ScaledObject'))
      for (const { metadata } of spec.triggers) expect(metadata.allowIdleConsumers).toBe('false')
  })

  it('have a trigger for each group and topic, its threshold what a replica works off in the time that a datum may wait', () => {
    const triggers = scaled('forecast').triggers.map(({ metadata }: { metadata: Record<string, string> }) => [
      metadata.consumerGroup,
      metadata.topic,
      metadata.lagThreshold,
    ])
    expect(triggers).toEqual([
      ['millrace.grid.forecast@2', 'demand', String(2000 * 0.5 * 60)],
      ['millrace.grid.forecast@3', 'demand', String(1500.5 * 0.5 * 60)],
      ['millrace.grid.forecast@3', 'weather', '500'],
    ])
  })

  it('have their lag asked for as the stream’s URL says: brokers, prefix, TLS, SASL', () => {
    const [trigger] = scaled('forecast', render('external-secrets')).triggers
    expect(trigger.metadata).toMatchObject({
      bootstrapServers: 'k1.kafka:9093,k2.kafka:9094',
      consumerGroup: 'prod.millrace.grid.forecast@2',
      topic: 'prod.demand',
      lagThreshold: String(2000 * 0.7 * 30),
      sasl: 'scram_sha512',
      tls: 'enable',
    })
    expect(trigger.authenticationRef.name).toBe('grid-millrace-stream')
  })

  it('have a number of replicas of their own where nothing scales them', () => {
    expect(named(manifests, 'Deployment', 'grid-millrace-agents-rest').spec.replicas).toBe(1)
    expect(named(manifests, 'Deployment', 'grid-millrace-agents-forecast').spec.replicas).toBeUndefined()
    expect(named(render('everything', ['keda.enabled=false']), 'Deployment', 'grid-millrace-agents-forecast').spec.replicas).toBe(2)
  })
})

describe('what leaves the pods', () => {
  const ports = (values: (typeof VALUES)[number]) =>
    named(render(values), 'NetworkPolicy', 'grid-millrace').spec.egress[1].ports.map(({ port }: { port: number }) => port)

  it('goes to the ports that the URLs name, or their usual ones', () => {
    expect(ports('defaults')).toEqual([9092, 6379])
    expect(ports('everything')).toEqual([9092, 6380])
    expect(ports('external-secrets')).toEqual([9093, 9094, 6379, 26379])
  })

  it('goes elsewhere for the roles alone that are allowed to', () => {
    const egress = ofKind(render('everything'), 'NetworkPolicy').filter(({ metadata }) => metadata.name.endsWith('-egress'))
    expect(egress.map(({ spec }) => [spec.podSelector.matchLabels['app.kubernetes.io/component'], spec.egress[0].ports[0].port])).toEqual([
      ['agents', 8080],
      ['storage', 443],
    ])
  })
})

it('the URLs name the authorities where they are mounted', () => {
  expect(named(render('external-secrets'), 'ConfigMap', 'grid-millrace').data?.MILLRACE_TRACE).toBe(
    'rediss+sentinel://s1.redis:26379,s2.redis/mymaster?ca=/run/millrace/trace-ca.crt',
  )
  expect(named(render('external-secrets'), 'ConfigMap', 'grid-millrace').data?.MILLRACE_STREAM).toBe(
    'kafkas://millrace@k1.kafka:9093,k2.kafka:9094?sasl=scram-sha-512&prefix=prod.&replication=3&ca=/run/millrace/stream-ca.crt',
  )
})

it('monitors are found by the labels of the service that is there', () => {
  const manifests = render('everything')
  const monitor = ofKind(manifests, 'ServiceMonitor')[0]!
  const found = ofKind(manifests, 'Service').filter(({ metadata }) => selects(monitor.spec.selector.matchLabels, metadata.labels))
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['grid-millrace-ops'])
  expect(monitor.metadata.labels.release).toBe('prometheus')
})

it('the notes say where producers send, how keys are made, where the page is and what waits on disks', () => {
  expect(notes('defaults')).toMatch(
    /grid-millrace-frontend\.millrace:80[\s\S]*create secret generic millrace-keys[\s\S]*port-forward service\/grid-millrace-console/,
  )
  expect(notes('everything')).toMatch(
    /https:\/\/data\.example\.test[\s\S]*forecast: 2 to 12 replicas \(replicas\.max is 50[\s\S]*millrace_frontend_spill_data is 0/,
  )
})

it('every value that the schema knows has its default and its line in values.yaml', () => {
  const schema = JSON.parse(chartFile('values.schema.json'))
  const values = chartFile('values.yaml')
  const names = Object.entries(schema.properties as Record<string, { properties?: object }>).flatMap(([name, { properties }]) => [
    name,
    ...Object.keys(properties ?? {}),
  ])
  expect(names.filter(name => name !== 'global' && !new RegExp(`^\\s*${name}:`, 'm').test(values))).toEqual([])
})

describe('docs/deployment.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/deployment.md'), 'utf8')

  it('has an example of values that the chart takes, and says what comes of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-values-'))
    const file = join(folder, 'grid.yaml')
    writeFileSync(file, /```yaml\n(# grid\.yaml\n[\s\S]*?)```/.exec(page)![1]!)
    const { spec } = named(render(file as `/${string}`), 'ScaledObject', 'grid-millrace-agents-forecast') // tmpdir() is absolute
    rmSync(folder, { recursive: true })
    expect(spec.maxReplicaCount).toBe(12)
    expect(page).toContain(`give ${Number(spec.triggers[0].metadata.lagThreshold).toLocaleString('en')}.`)
  })

  it('names no value that the chart does not have', () => {
    const values = parse(chartFile('values.yaml'))
    const table = /### Values\n([\s\S]*?)\n### /.exec(page)![1]!
    const paths = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([\w.]+)(?:\[\])?`/g)].map(match => match[1]!),
    )
    expect(paths.length).toBeGreaterThan(20)
    // `image.repository`, `tag`: a name alone may go on in the group before it.
    const groups = [values, values.image]
    const isThere = (path: string) => groups.some(group => path.split('.').reduce((at, name) => at?.[name], group) !== undefined)
    expect(paths.filter(path => !isThere(path))).toEqual([])
  })
})
