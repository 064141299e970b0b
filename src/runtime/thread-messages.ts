import type { MessagePort } from 'node:worker_threads'
import type { Suspect } from '../agents/progress.ts'
import type { PortableError } from '../errors.ts'
import type { Versions } from '../versions/fold.ts'
import type { ThreadEngine } from './engines.ts'
import type { Facts } from './port-recorder.ts'

/** What an agent's thread is started with. */
export interface ThreadData {
  /** Absolute path of the user's pipeline. */
  readonly file: string
  /** `name@version`. */
  readonly agent: string
  /** What was decided since the file was written. */
  readonly versions: Versions
  readonly engine: ThreadEngine
  /** Where the thread says which data it has in hand; a storage agent has none. */
  readonly progress: SharedArrayBuffer | undefined
  readonly suspects: readonly Suspect[]
  /** The file of `agents/crash-note.ts`. */
  readonly crashNote: { readonly path: string; readonly process: string }
  /** Where the workers of an attached agent come in (attach/desk-port.ts); other agents have none. */
  readonly desk: MessagePort | undefined
}

export type ToThread =
  /** Sent once, after `ready`: subscribe and work. Until then the thread only has its code loaded. */
  | { readonly type: 'begin' }
  /** Take nothing new, commit what is in hand within `graceMs`, say `stopped`. */
  | { readonly type: 'stop'; readonly graceMs: number }
  /** Data that have ended threads of the agent: all that are known by now. */
  | { readonly type: 'suspects'; readonly suspects: readonly Suspect[] }
  /** So many programs are to work for it. */
  | { readonly type: 'scale'; readonly programs: number }

/** What an agent's data can wait for. */
export type HeldPart = 'trace' | 'store' | 'remote' | 'handler'

export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'facts'; readonly facts: Facts }
  /** What its data wait for, or that they wait no longer. */
  | { readonly type: 'held'; readonly part: HeldPart; readonly reason?: string }
  /** A line of what a remote agent's program has to say. */
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: PortableError }
