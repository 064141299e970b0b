import type { Role } from '../api/session.ts'

/** Who asks. */
export interface Identity {
  /** As it stands in the audit log. */
  readonly user: string
  readonly role: Role
  /**
   * none: nobody asks who it is. local: a program that may read the data directory, and so could do everything without asking. token, oidc: as
   * one logs in.
   */
  readonly by: 'none' | 'local' | 'token' | 'oidc'
  /** The token's id: what was opened with it ends with it. */
  readonly token?: string
}

/** Where nobody asks who it is. */
export const ANYONE: Identity = { user: 'local', role: 'operator', by: 'none' }
/** A program that has read the data directory's `runtime.json`. */
export const LOCAL: Identity = { user: 'local', role: 'operator', by: 'local' }
