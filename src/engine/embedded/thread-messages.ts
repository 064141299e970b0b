import type { MessagePort } from 'node:worker_threads'
import type { PortableError } from '../../errors.ts'

export type ToWriterThread =
  | { readonly kind: 'connect'; readonly connection: number; readonly port: MessagePort }
  /** What the connection held may be given to others once its port is closed. */
  | { readonly kind: 'over'; readonly connection: number }
  | { readonly kind: 'close' }

/** `ready` once, then `failed` at most once; `closed` is the last. */
export type FromWriterThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: PortableError }
  | { readonly kind: 'closed'; readonly error?: PortableError }
