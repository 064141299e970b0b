import type { OidcSettings } from './oidc.ts'

/** Who may reach what of the operators' listener, as it is configured. */
export interface Access {
  /** The file of operators' tokens. */
  readonly tokensFile: string
  /** What it answers without a log-in: `health` alone (`/health/live` and `/health/ready`), `metrics`, too, or `all`. */
  readonly open: 'health' | 'metrics' | 'all'
  /** What browsers call it where a proxy stands before it, such as `https://grid.example.com`. */
  readonly url?: string
  readonly oidc?: OidcSettings
  /** A secret of this run, in `runtime.json`: who may read the data directory need not log in. */
  readonly pass?: string
}
