import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import { isLoopback } from '../../frontend/loopback.ts'
import type { Access } from './access.ts'
import { LogIn } from './log-in.ts'

/** How the operators' listener is guarded. */
export interface Guarding {
  readonly logIn: LogIn
  readonly open: Access['open']
  /** What browsers call the listener, where a proxy stands before it. */
  readonly url: string | undefined
  /** Whether it listens on loopback. */
  readonly isLoopback: boolean
  /** Whether this machine's programs alone reach it. */
  readonly isPrivate: boolean
  readonly clock: Clock
}

interface Listening {
  readonly access?: Access
  readonly address: { readonly host: string; readonly port: number }
  readonly clock: Clock
}

/** Says before anything runs what {@link guardingOf} would say after it. @throws what that throws */
export async function checkAccess(listening: Listening): Promise<void> {
  const { logIn } = await guardingOf(listening)
  logIn.close()
}

/** @throws CONFIG_INVALID where others than this machine's programs would reach it without a log-in, and nobody has said that they may. */
export async function guardingOf({ access, address, clock }: Listening): Promise<Guarding> {
  const loopback = isLoopback(address.host)
  const { open = 'health', url, oidc } = access ?? {}
  const isPrivate = loopback && url === undefined
  if (oidc !== undefined && !loopback && url === undefined)
    throw new MillraceError(
      'CONFIG_INVALID',
      'Operators log in by OpenID Connect, and nobody says where their browsers reach this listener.',
      {
        fix: 'Say it: --ops-url https://grid.example.com, and register that with /auth/callback at the provider.',
      },
    )
  const logIn = await LogIn.open(access, clock)
  if (isPrivate || logIn.kind !== 'none' || open !== 'health') return { logIn, open, url, isLoopback: loopback, isPrivate, clock }
  logIn.close()
  const where = loopback ? `is behind ${url}` : `is on ${address.host}, where other machines reach it`
  throw new MillraceError('CONFIG_INVALID', `The operators’ listener ${where}, and nobody logs in.`, {
    fix: 'Make a token: `millrace console token add <name> --role operator`; or log in by --oidc-issuer; or listen on 127.0.0.1 (--ops). --ops-open metrics lets health and metrics out and nothing else, --ops-open all everything, for what stands behind another log-in.',
  })
}
