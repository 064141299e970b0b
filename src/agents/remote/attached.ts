import type { Remote } from '../remote.ts'
import { Desk } from './desk.ts'

/** A claim's worth. More only wait, and what waits for long is dear to keep: many workers want more partitions, or more of this. */
const CONCURRENCY = 500

/**
 * Lets applications do a remote agent's work that Millrace does not start: containers, services, anything that speaks HTTP. They attach to the
 * listener of the process that runs the agent (`--attach`), claim data and commit what came of them (docs/protocol.md). Any number at once;
 * while there is none the data wait.
 */
export function attached(): Remote {
  return { kind: 'remote', concurrency: CONCURRENCY, isAttached: true, open: (agent, events) => new Desk(agent, events) }
}
