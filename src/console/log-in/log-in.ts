import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import { KeyRing } from '../../frontend/key-ring.ts'
import type { Access } from './access.ts'
import { Attempts } from './attempts.ts'
import { ForAWhile } from './for-a-while.ts'
import { ANYONE, type Identity, LOCAL } from './identity.ts'
import { type Begun, Oidc } from './oidc.ts'
import { operatorTokens } from './tokens.ts'

export const SESSION_MS = 12 * 3_600_000
const MAX_SESSIONS = 1_000
const CODE_MS = 60_000
const MAX_CODES = 100
/** A person has a password to find, and perhaps a second factor. */
export const BEGUN_MS = 600_000
const MAX_BEGUN = 1_000
const CSRF_BYTES = 32

/** A browser that is logged in. */
export interface Session {
  readonly identity: Identity
  /** Goes with every change: a page of another site can send the cookie at most, and not this. */
  readonly csrf: string
}

/** Who asks, and by which session where a cookie says so. */
export interface Asking {
  readonly identity: Identity
  readonly session?: Session
}

/** Who may look, and who may act: tokens, sessions of browsers, a provider of log-ins. */
export class LogIn {
  readonly attempts: Attempts
  readonly oidc: Oidc | undefined
  /** Log-ins at the provider that have begun. */
  readonly begun: ForAWhile<Begun>
  readonly #sessions: ForAWhile<Session>
  readonly #codes: ForAWhile<Identity>
  readonly #ring: KeyRing<Identity> | undefined
  readonly #access: Access | undefined

  private constructor(access: Access | undefined, ring: KeyRing<Identity> | undefined, oidc: Oidc | undefined, clock: Clock) {
    this.#access = access
    this.#ring = ring
    this.oidc = oidc
    this.attempts = new Attempts(clock)
    this.begun = new ForAWhile(clock, BEGUN_MS, MAX_BEGUN)
    this.#sessions = new ForAWhile(clock, SESSION_MS, MAX_SESSIONS)
    this.#codes = new ForAWhile(clock, CODE_MS, MAX_CODES)
  }

  /** @param access undefined: nobody logs in. @throws CONFIG_INVALID: the file of tokens, the provider; CLIENT_MISSING */
  static async open(access: Access | undefined, clock: Clock): Promise<LogIn> {
    const oidc = access?.oidc === undefined ? undefined : await Oidc.load(access.oidc)
    const ring = access === undefined ? undefined : await KeyRing.open(operatorTokens(access.tokensFile), clock)
    return new LogIn(access, ring, oidc, clock)
  }

  /** How one logs in now. Once there was a token, also with the last one revoked: that opens no door. */
  get kind(): 'none' | 'token' | 'oidc' {
    if (this.oidc !== undefined) return 'oidc'
    return this.#ring === undefined || this.#ring.keyless ? 'none' : 'token'
  }

  get takesTokens(): boolean {
    return (this.#ring?.count ?? 0) > 0
  }

  /** @param isPrivate whether this machine's programs alone reach the listener. @throws LOG_IN_MISSING, LOG_IN_INVALID */
  whoAsks(request: FastifyRequest, isPrivate: boolean): Asking {
    const { authorization } = request.headers
    if (isPass(authorization, this.#access?.pass)) return { identity: LOCAL }
    // Where no token was ever made, a header that a proxy or a program sends is not for us.
    if (isBearer(authorization) && this.#ring?.keyless === false) return { identity: this.byToken(authorization, request.socket) }
    const session = this.#sessions.get(request.cookies[sessionCookie(request)])
    if (session !== undefined && this.holds(session.identity)) return { identity: session.identity, session }
    if (this.#access?.open === 'all' || (isPrivate && this.kind === 'none')) return { identity: ANYONE }
    throw new MillraceError('LOG_IN_MISSING', 'This needs a log-in.', {
      fix: 'A browser logs in at /auth/log-in, a program sends `Authorization: Bearer <token>`; `millrace console token add` makes one.',
    })
  }

  /** @param authorization a header, or `Bearer <token>`. @throws LOG_IN_INVALID, which never says what was wrong with it */
  byToken(authorization: string, connection: object): Identity {
    try {
      if (this.#ring?.keyless === false) return this.#ring.authenticate(authorization, connection)
    } catch (error) {
      if (!isMillraceError(error, 'KEY_INVALID')) throw error
    }
    throw new MillraceError('LOG_IN_INVALID', 'The token is unknown, revoked or expired.', {
      fix: '`millrace console token list` shows which there are.',
    })
  }

  /** Whether what was opened by somebody may stay open: not when the token is revoked by which it was. */
  holds({ token }: Identity): boolean {
    return token === undefined || this.#ring?.holds(token) === true
  }

  /** Whether it still stands: it has neither ended nor been logged out. @param secret of its cookie. */
  stands(secret: string | undefined): boolean {
    return this.#sessions.get(secret) !== undefined
  }

  /** @returns with the cookie's value. */
  begin(identity: Identity): { readonly secret: string; readonly session: Session } {
    const session = { identity, csrf: randomBytes(CSRF_BYTES).toString('base64url') }
    return { secret: this.#sessions.put(session), session }
  }

  end(secret: string | undefined): void {
    this.#sessions.take(secret)
  }

  /** A code that logs a browser in as somebody, once. */
  codeFor(identity: Identity): string {
    return this.#codes.put(identity)
  }

  /** @throws LOG_IN_INVALID */
  byCode(code: string): Identity {
    const identity = this.#codes.take(code)
    if (identity !== undefined && this.holds(identity)) return identity
    throw new MillraceError('LOG_IN_INVALID', 'This link has been used, or is older than a minute.', {
      fix: 'Make another: millrace console.',
    })
  }

  close(): void {
    this.#ring?.close()
  }
}

/** The name of the cookie. Browsers tell cookies apart by host and not by port: pipelines of one machine would log each other's operators out. */
export function sessionCookie({ socket }: FastifyRequest): string {
  return `millrace_session_${socket.localPort}`
}

/** Whether a secret is the one that is known, in a time that does not tell how much of it is. */
export function isSame(given: string, known: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', known, 'buffer'))
}

function isBearer(authorization: string | undefined): authorization is string {
  return authorization !== undefined && /^bearer /i.test(authorization)
}

function isPass(authorization: string | undefined, pass: string | undefined): boolean {
  return pass !== undefined && isBearer(authorization) && isSame(authorization.slice('Bearer '.length), pass)
}
