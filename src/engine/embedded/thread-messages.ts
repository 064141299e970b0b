import type { MessagePort } from 'node:worker_threads'
import type { PortableError } from '../../errors.ts'

export type ToWriterThread = { readonly kind: 'connect'; readonly port: MessagePort } | { readonly kind: 'close' }

/** `ready` once, then `failed` at most once; `closed` is the last. */
export type FromWriterThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: PortableError }
  | { readonly kind: 'closed'; readonly error?: PortableError }
