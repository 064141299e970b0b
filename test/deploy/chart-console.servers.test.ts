import { describe, expect, it } from 'vitest'
import { render } from './chart.ts'
import { named, workloads } from './workload.ts'

describe('the operators’ side', () => {
  it('lets out health and metrics without a log-in, and everything else to whoever has a token, which ends without a restart', () => {
    const manifests = render('defaults')
    expect(named(manifests, 'ConfigMap', 'grid-millrace').data?.MILLRACE_OPS_OPEN).toBe('metrics')
    const { env, pod } = workloads([named(manifests, 'Deployment', 'grid-millrace-console')])[0]!
    expect(env.get('MILLRACE_OPS_TOKENS')).toBe('/run/millrace-tokens/ops-tokens.json')
    expect(pod.volumes.find(({ name }: { name: string }) => name === 'tokens').secret).toMatchObject({
      secretName: 'millrace-operators',
      optional: true,
    })
  })

  it('logs in by a provider where the values name one, its secret a file', () => {
    const { env } = workloads([named(render('everything'), 'Deployment', 'grid-millrace-console')])[0]!
    expect(Object.fromEntries([...env].filter(([name]) => /_(OIDC|OPS_URL)/.test(name)))).toEqual({
      MILLRACE_OPS_URL: 'https://grid.example.test',
      MILLRACE_OIDC_ISSUER: 'https://login.example.test',
      MILLRACE_OIDC_CLIENT_ID: 'millrace',
      MILLRACE_OIDC_CLAIM: 'realm_access.roles',
      MILLRACE_OIDC_VIEWERS: '*',
      MILLRACE_OIDC_OPERATORS: 'data-team',
      MILLRACE_OIDC_CLIENT_SECRET_FILE: '/run/millrace/oidc-client-secret',
    })
  })
})
