import type { Envelope } from '../envelope/envelope.ts'

/** A datum of a file that is imported, or why there is none at its place. `at`: line or row, from 1. */
export type Found = { readonly at: number; readonly envelope: Envelope } | { readonly at: number; readonly problem: string }
