import { join, resolve } from 'node:path'
import type { Access } from '../console/log-in/access.ts'
import type { OidcSettings } from '../console/log-in/oidc.ts'
import { MillraceError } from '../errors.ts'
import { passwordIn } from './connections.ts'
import { type Read, text, wrong } from './settings.ts'

/** One setting, from wherever it is given: `undefined` where it is not. */
export type Pick = <T>(read: Read<T>, name: string, fallback?: unknown, flag?: OpsFlag) => T | undefined

export type OpsFlag = 'opsOpen' | 'opsUrl' | 'oidcIssuer' | 'oidcClientId'

/** Names of the settings that are read here. */
export const OPS_SETTINGS = [
  ...['opsOpen', 'opsUrl', 'opsTokens'],
  ...['oidc.issuer', 'oidc.clientId', 'oidc.claim', 'oidc.viewers', 'oidc.operators'],
]

type Environment = Readonly<Record<string, string | undefined>>

/** Who may reach what of the operators' listener. @throws CONFIG_INVALID */
export function opsAccess(
  pick: Pick,
  { cwd, data, env }: { readonly cwd: string; readonly data: string; readonly env: Environment },
): Access {
  const url = pick(origin, 'opsUrl', undefined, 'opsUrl')
  const oidc = oidcSettings(pick, env)
  return {
    tokensFile: resolve(cwd, pick(text, 'opsTokens', join(data, 'ops-tokens.json'))!),
    open: pick(openTo, 'opsOpen', 'health', 'opsOpen')!,
    ...(url === undefined ? {} : { url }),
    ...(oidc === undefined ? {} : { oidc }),
  }
}

function oidcSettings(pick: Pick, env: Environment): OidcSettings | undefined {
  const issuer = pick(webUrl, 'oidc.issuer', undefined, 'oidcIssuer')
  if (issuer === undefined) return undefined
  const clientId = pick(text, 'oidc.clientId', undefined, 'oidcClientId')
  if (clientId === undefined)
    throw new MillraceError('CONFIG_INVALID', `Operators log in at ${issuer}, and no client id is given.`, {
      fix: 'Say which client of the provider this is: --oidc-client-id (or MILLRACE_OIDC_CLIENT_ID).',
    })
  const [viewers, operators] = [pick(names, 'oidc.viewers') ?? [], pick(names, 'oidc.operators') ?? []]
  if (viewers.length + operators.length === 0)
    throw new MillraceError('CONFIG_INVALID', `Operators log in at ${issuer}, and nobody who does has a role here.`, {
      fix: 'Say which values of the claim make one: MILLRACE_OIDC_OPERATORS=data-team, MILLRACE_OIDC_VIEWERS=* (whoever logs in).',
    })
  const secret = passwordIn(env, 'MILLRACE_OIDC_CLIENT_SECRET')
  return {
    issuer,
    clientId,
    ...(secret === undefined ? {} : { clientSecret: secret }),
    claim: pick(text, 'oidc.claim', 'groups')!,
    viewers,
    operators,
  }
}

const openTo: Read<Access['open']> = (value, name) => {
  if (value === 'health' || value === 'metrics' || value === 'all') return value
  throw wrong(name, value, "'health' (yes or no, the default), 'metrics' (health and metrics) or 'all'")
}

const names: Read<readonly string[]> = (value, name) => {
  const list = (Array.isArray(value) ? value.map(String) : String(value).split(',')).map(each => each.trim()).filter(Boolean)
  if (list.length > 0) return list
  throw wrong(name, value, 'values of the claim, separated by commas')
}

const webUrl: Read<string> = (value, name) => {
  const given = String(value)
  if (/^https?:\/\//.test(given) && URL.canParse(given)) return given
  throw wrong(name, value, "a URL such as 'https://login.example.com'")
}

/** Where browsers reach us: without a path, for cookies and pages are at the root. */
const origin: Read<string> = (value, name) => {
  const url = new URL(webUrl(value, name))
  if (url.pathname === '/' && url.search === '' && url.hash === '') return url.origin
  throw wrong(name, value, "the URL of a host without a path, such as 'https://grid.example.com'")
}
