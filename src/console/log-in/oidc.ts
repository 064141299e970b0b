import type { ClientAuth, Configuration } from 'openid-client'
import { MillraceError } from '../../errors.ts'
import { isLoopback } from '../../frontend/loopback.ts'
import type { Role } from '../api/session.ts'
import type { Identity } from './identity.ts'

type Client = typeof import('openid-client')

/** A provider of log-ins (OpenID Connect), and what its claims mean here. */
export interface OidcSettings {
  /** Such as `https://login.example.com/realms/grid`; `http:` on loopback alone. */
  readonly issuer: string
  readonly clientId: string
  /** Undefined: a public client, held by PKCE alone. */
  readonly clientSecret?: string
  /** The claim that says who may do what, a text or a list of texts; dots lead into objects. */
  readonly claim: string
  /** Values of it that make a viewer or an operator; `*`: whoever logs in. Nobody else gets in. */
  readonly viewers: readonly string[]
  readonly operators: readonly string[]
}

/** A log-in that has begun, until the browser is back. */
export interface Begun {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
  readonly redirectUri: string
  /** Where the browser wanted to go. */
  readonly to: string
}

/** Log-ins by the authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0 §3.1; RFC 7636). */
export class Oidc {
  readonly #settings: OidcSettings
  readonly #client: Client
  #discovered: Promise<Configuration> | undefined

  private constructor(settings: OidcSettings, client: Client) {
    this.#settings = settings
    this.#client = client
  }

  /** Asks the provider nothing yet: it may be away when we start. @throws CLIENT_MISSING, CONFIG_INVALID */
  static async load(settings: OidcSettings): Promise<Oidc> {
    const { protocol, hostname } = new URL(settings.issuer)
    if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname)))
      throw new MillraceError('CONFIG_INVALID', `The provider of log-ins is ${settings.issuer}.`, {
        fix: 'Its URL must begin with https://.',
      })
    return new Oidc(settings, await loadClient())
  }

  /** @returns where to send the browser, and what to keep until it is back. @throws LOG_IN_UNAVAILABLE */
  async begin(redirectUri: string, to: string): Promise<{ readonly url: string; readonly begun: Begun }> {
    const client = this.#client
    const config = await this.#discover()
    const begun: Begun = {
      verifier: client.randomPKCECodeVerifier(),
      state: client.randomState(),
      nonce: client.randomNonce(),
      redirectUri,
      to,
    }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
    })
    return { url: url.href, begun }
  }

  /** @param query of the request with which the browser came back. @throws LOG_IN_INVALID, LOG_IN_UNAVAILABLE, ROLE_MISSING */
  async finish(begun: Begun, query: string): Promise<Identity> {
    const config = await this.#discover()
    const claims = await this.#claims(config, begun, new URL(query, begun.redirectUri))
    const user = nameIn(claims) ?? claims.sub
    const role = roleOf(this.#settings, claims)
    if (role === undefined)
      throw new MillraceError('ROLE_MISSING', `${String(user)} has no role here.`, {
        fix: `The claim '${this.#settings.claim}' must have one of the values that are set to make a viewer or an operator.`,
      })
    return { user: String(user), role, by: 'oidc' }
  }

  /** Those of the ID token; where the claim or a name for people is not among them, also those that the provider says of the user when it is asked. */
  async #claims(config: Configuration, { verifier, state, nonce }: Begun, url: URL): Promise<Record<string, unknown>> {
    try {
      const tokens = await this.#client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new TypeError('there is no ID token')
      const isEnough = valuesOf(this.#settings.claim, claims).length > 0 && nameIn(claims) !== undefined
      if (isEnough || config.serverMetadata().userinfo_endpoint === undefined) return { ...claims }
      return { ...(await this.#client.fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims }
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Once; where that fails the next log-in tries again. */
  async #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings
    const server = new URL(issuer)
    const options = server.protocol === 'http:' ? { execute: [this.#client.allowInsecureRequests] } : {}
    this.#discovered ??= this.#client.discovery(server, clientId, undefined, this.#authentication(clientSecret), options)
    try {
      return await this.#discovered
    } catch (error) {
      this.#discovered = undefined
      throw this.#failure(error)
    }
  }

  /** As the provider takes it: by header, the standard's own default, unless it says that it takes it in the body alone. */
  #authentication(secret: string | undefined): ClientAuth {
    const { None, ClientSecretBasic, ClientSecretPost } = this.#client
    if (secret === undefined) return None()
    const [byHeader, inBody] = [ClientSecretBasic(secret), ClientSecretPost(secret)]
    return (server, client, body, headers) => {
      const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
      const authenticate = taken.includes('client_secret_basic') ? byHeader : inBody
      authenticate(server, client, body, headers)
    }
  }

  #failure(error: unknown): MillraceError {
    if (error instanceof MillraceError) return error
    const what = error instanceof Error ? error.message : String(error)
    const cause = error instanceof Error ? error.cause : undefined
    // fetch says a TypeError of what the network did; what the provider said is one of the client's own errors.
    const isAway =
      (error instanceof TypeError && what === 'fetch failed') || (cause instanceof TypeError && cause.message === 'fetch failed')
    return isAway
      ? new MillraceError('LOG_IN_UNAVAILABLE', `${this.#settings.issuer} does not answer.`, { fix: 'Try again.', cause: error })
      : new MillraceError('LOG_IN_INVALID', `${this.#settings.issuer} did not log anybody in: ${what}.`, {
          fix: 'Log in again.',
          cause: error,
        })
  }
}

/** What people know somebody by; an address that the provider has not verified may be another's. */
function nameIn({ email, email_verified: verified, preferred_username: name }: Record<string, unknown>): string | undefined {
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
  return isText(email) && verified !== false ? email : isText(name) ? name : undefined
}

function roleOf({ claim, viewers, operators }: OidcSettings, claims: Record<string, unknown>): Role | undefined {
  const values = valuesOf(claim, claims)
  const isOne = (of: readonly string[]) => of.includes('*') || values.some(value => of.includes(value))
  return isOne(operators) ? 'operator' : isOne(viewers) ? 'viewer' : undefined
}

/** `groups`, or `realm_access.roles`; a name with dots in it (`https://example.com/roles`) is looked for as it is first. */
function valuesOf(claim: string, claims: Record<string, unknown>): string[] {
  const inside = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  const value = Object.hasOwn(claims, claim) ? claims[claim] : claim.split('.').reduce(inside, claims)
  return (Array.isArray(value) ? value : [value]).filter(each => typeof each === 'string')
}

async function loadClient(): Promise<Client> {
  try {
    return await import('openid-client')
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new MillraceError('CLIENT_MISSING', "Operators log in by OpenID Connect, and the package 'openid-client' is not installed.", {
      fix: 'npm install openid-client',
      cause,
    })
  }
}
