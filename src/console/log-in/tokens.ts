import { type KeptKey, KeyFile } from '../../frontend/key-file.ts'
import type { KeySource } from '../../frontend/key-ring.ts'
import { checkSource, isSource } from '../../frontend/keys.ts'
import type { Role } from '../api/session.ts'
import type { Identity } from './identity.ts'

/** An operator's token as it is kept. In a file of its own: no producer's key opens the operators' side. */
export interface OperatorToken extends KeptKey {
  /** Whose it is: the user of everything done with it. */
  readonly user: string
  readonly role: Role
}

export function tokenFile(path: string): KeyFile<OperatorToken> {
  return new KeyFile(
    path,
    'o',
    ({ user, role }) => typeof user === 'string' && isSource(user) && (role === 'viewer' || role === 'operator'),
  )
}

/** Makes a token and keeps its hash. `key` (`id.secret`) is what is sent: `Authorization: Bearer <token>`. @throws CONFIG_INVALID */
export async function addToken(
  path: string,
  { user, role, expiresMs }: { readonly user: string; readonly role: Role; readonly expiresMs?: number },
  nowMs = Date.now(),
): Promise<{ key: string; record: OperatorToken }> {
  checkSource(user)
  return tokenFile(path).add({ user, role }, expiresMs, nowMs)
}

/** The operators' tokens, as a ring holds them. */
export function operatorTokens(path: string): KeySource<Identity> {
  const file = tokenFile(path)
  return {
    file: path,
    adding: 'millrace console token add <user>',
    read: async () =>
      (await file.read())?.map(key => ({ key, holder: { user: key.user, role: key.role, by: 'token' as const, token: key.id } })),
  }
}
