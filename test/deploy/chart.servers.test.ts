import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installed } from '../../scripts/servers/cache.ts'
import { kubeSchemas, kubeSchemasFolder } from '../../scripts/servers/kube-schemas.ts'
import { type ApiServer, missingPrograms, startApiServer } from './api-server.ts'
import { lint, refusal, render, renderText, VALUES } from './chart.ts'
import { CRDS, customSchemas } from './custom-schemas.ts'

const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: millrace
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
`
const missing = missingPrograms()

describe.each(VALUES)('the chart with %s', values => {
  it('passes helm lint --strict', () => {
    expect(lint(values)).toContain('0 chart(s) failed')
  })
})

describe('kubeconform', () => {
  let schemas: string
  beforeAll(async () => {
    if (!kubeSchemas.present()) await kubeSchemas.install()
    schemas = customSchemas()
  })
  afterAll(() => rmSync(schemas, { recursive: true, force: true }))

  function conform(manifests: string): { code: number | null; answer: string } {
    const folders = [kubeSchemasFolder(), schemas]
    const locations = folders.flatMap(folder => ['-schema-location', `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`])
    const { status, stdout, stderr } = spawnSync(installed('kubeconform'), ['-strict', '-summary', '-verbose', ...locations], {
      input: manifests,
      encoding: 'utf8',
    })
    return { code: status, answer: `${stdout}${stderr}` }
  }

  it.each(VALUES)('finds every object with %s valid, by a schema for each', values => {
    const { code, answer } = conform(renderText(values))
    expect({ code, answer }).toEqual({
      code: 0,
      answer: expect.stringContaining(`${render(values).length}, Invalid: 0, Errors: 0, Skipped: 0`),
    })
  })

  it.each([
    ['a member that no Deployment has', '    spec:\n', '    spec:\n      restartAlways: true\n'],
    ['a member that no ScaledObject has', '  scaleTargetRef:\n', '  maxReplicas: 3\n  scaleTargetRef:\n'],
    ['a parameter that KEDA’s Kafka scaler does not have', 'lagThreshold:', 'lag:'],
  ])('refuses %s, so the check can fail', (_, from, to) => {
    const text = renderText('everything')
    expect(text).toContain(from)
    expect(conform(text.replaceAll(from, to)).code).toBe(1)
  })
})

describe(
  missing.length === 0 ? 'a real API server' : `a real API server, for want of ${missing.join(', ')}, is left to machines that have it`,
  () => {
    let server: ApiServer | undefined
    beforeAll(async () => {
      if (missing.length > 0) return
      server = await startApiServer()
      succeed(server.kubectl(['apply', '-f', '-'], NAMESPACE))
      succeed(server.kubectl(['apply', '-f', CRDS]))
      succeed(server.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']))
    })
    afterAll(() => server?.stop())

    it.each(VALUES)('takes everything with %s without a warning, in a namespace that enforces the restricted standard', values => {
      if (server === undefined) return
      const { code, stdout, stderr } = dryRun(server, renderText(values))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout.trim().split('\n').length).toBe(render(values).length)
    })

    it('warns of a pod that may become root, so the check can fail', () => {
      if (server === undefined) return
      expect(dryRun(server, renderText('defaults').replaceAll('runAsNonRoot: true', 'runAsNonRoot: false')).stderr).toContain('restricted')
    })

    it('refuses a selector that its pods do not have, so the check can fail', () => {
      if (server === undefined) return
      const text = renderText('defaults').replace(
        /(kind: Deployment[\s\S]*?matchLabels:\n\s+app\.kubernetes\.io\/name:) millrace/,
        '$1 other',
      )
      expect(dryRun(server, text)).toMatchObject({ code: 1, stderr: expect.stringContaining('does not match template `labels`') })
    })
  },
)

function dryRun(server: ApiServer, manifests: string) {
  return server.kubectl(['apply', '--namespace', 'millrace', '--dry-run=server', '--validate=strict', '-f', '-'], manifests)
}

function succeed({ code, stderr }: { code: number | null; stderr: string }): void {
  if (code !== 0) throw new Error(stderr)
}

describe('values that are wrong', () => {
  it.each([
    ['a role that there is not', ['networkPolicy.egress.fronted=[]'], "additional properties 'fronted' not allowed"],
    ['a member that is misspelt', ['frontend.replica=3'], "additional properties 'replica' not allowed"],
    ['a password in the stream’s URL', ['stream.url="kafka://user:secret@kafka:9092"'], 'stream/url'],
    ['a password in the trace’s URL', ['trace.url="redis://:secret@redis"'], 'trace/url'],
    ['another scheme', ['stream.url="http://kafka:9092"'], 'stream/url'],
    ['no replicas', ['storage.replicas=0'], 'storage/replicas'],
    [
      'a topic without partitions',
      ['agents=[{"name":"a","replicas":{"min":1,"max":2},"reads":[{"agent":"a@1","topic":"t","capacity":1}]}]'],
      'partitions',
    ],
    [
      'neither capacity nor lagThreshold',
      ['agents=[{"name":"a","replicas":{"min":1,"max":2},"reads":[{"agent":"a@1","topic":"t","partitions":1}]}]'],
      'capacity',
    ],
    [
      'an agent without its version, whose group nobody knows',
      ['agents=[{"name":"a","replicas":{"min":1,"max":2},"reads":[{"agent":"a","topic":"t","partitions":1,"capacity":1}]}]'],
      'agent',
    ],
    ['an environment that the chart sets itself', ['env=[{"name":"MILLRACE_ROLE","value":"all"}]'], 'env/0/name'],
    ['a spill’s size as Kubernetes writes it', ['frontend.spill.size="8Gi"'], 'spill/size'],
  ])('%s: refused by the schema', (_, sets, says) => {
    expect(refusal('defaults', sets)).toContain(says)
  })

  it.each([
    ['front ends without keys', ['frontend.keys.existingSecret=""'], 'a front end without keys would refuse to listen'],
    [
      'two entries of one name',
      ['agents=[{"name":"a","replicas":{"min":1,"max":1}},{"name":"a","replicas":{"min":1,"max":1}}]'],
      'two entries are named a',
    ],
    ['a password twice', ['stream.password={"value":"x","secret":{"name":"y","key":"z"}}'], 'give one of them'],
    ['an ingress without a host', ['frontend.ingress.enabled=true'], 'frontend.ingress.host is empty'],
  ])('%s: refused with what to do', (_, sets, says) => {
    expect(refusal('defaults', sets)).toContain(says)
  })

  it.each([
    ['scaling by lag without the pipeline’s name', ['pipeline.name=""'], 'pipeline.name is empty'],
    ['a mechanism that KEDA does not know', ['stream.url="kafka://u@k:9092?sasl=kerberos"'], 'it must be plain'],
    ['SASL without a user', ['stream.url="kafka://k:9092?sasl=plain"'], 'names no user'],
    ['SASL without a password', ['stream.password={"value":"","secret":{"name":"","key":"password"}}'], 'stream.password names no Secret'],
  ])('%s: refused with what to do', (_, sets, says) => {
    expect(refusal('everything', sets)).toContain(says)
  })

  it('the chart is as old as the package', () => {
    const root = resolve(import.meta.dirname, '../..')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const chart = readFileSync(join(root, 'deploy/helm/millrace/Chart.yaml'), 'utf8')
    expect(chart).toContain(`appVersion: ${version}\n`)
    expect(chart).toContain(`version: ${version}\n`)
  })
})
