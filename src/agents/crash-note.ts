import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { MillraceError, toPortable } from '../errors.ts'
import type { Suspect } from './progress.ts'

/** So many processes have to end with a datum in hand before it is blamed, whatever the policy: others end processes, too. */
const MIN_DEATHS = 3
/** More than any place takes: a shorter text leaves nothing of a longer one behind. */
const NOTE_BYTES = 512
/** What stands there while the agent runs. */
const RUNNING = 'running'

interface Noted {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** How many processes in a row have begun it, and not got beyond. */
  readonly deaths: number
}

/**
 * Which datum a handler has in its hands, in a small file: what memory cannot tell when the handler ends the whole process. It is written
 * only where the process before has not ended in order, and of the data that it may have had in hand, so that normal operation pays nothing. A
 * crash of the machine may lose it, and costs a round more then.
 */
export class CrashNote {
  /** Whether the process before has not ended in order. */
  readonly isWanted: boolean
  readonly #fd: number
  readonly #before: Noted | undefined
  #clear = true

  constructor(path: string) {
    const text = textOf(path)
    this.isWanted = text !== ''
    this.#before = notedIn(text)
    mkdirSync(dirname(path), { recursive: true })
    // Neither 'w', which empties the file, nor 'r+', which makes none.
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    if (!this.isWanted) this.#write(RUNNING)
  }

  /** A handler is about to be called. */
  begin(topic: string, partition: number, offset: number): void {
    const again = this.#before?.topic === topic && this.#before.partition === partition && this.#before.offset === offset
    this.#write(JSON.stringify({ topic, partition, offset, deaths: again ? this.#before.deaths + 1 : 1 } satisfies Noted))
    this.#clear = false
  }

  /** Nothing of the kind is in hand any more. */
  clear(): void {
    if (this.#clear) return
    this.#write(RUNNING)
    this.#clear = true
  }

  /** The agent ends in order. */
  close(): void {
    this.#write('')
    closeSync(this.#fd)
  }

  #write(text: string): void {
    writeSync(this.#fd, text.padEnd(NOTE_BYTES), 0)
  }
}

/** The datum that the processes before ended with, as a suspect. @param attempts of the agent's policy. */
export function suspectNotedIn(path: string, agent: string, attempts: number): Suspect | undefined {
  const noted = notedIn(textOf(path))
  if (noted === undefined) return undefined
  const { deaths, ...place } = noted
  const reason = new MillraceError('AGENT_CRASHED', `${deaths} processes in a row ended while ${agent} had this datum in its hands.`, {
    fix: 'Look at what the handler loads: native code, memory outside of the heap, a call that ends the process.',
  })
  return { ...place, attempts: deaths < MIN_DEATHS ? Math.min(deaths, attempts - 1) : deaths, reason: toPortable(reason) }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}

function notedIn(text: string): Noted | undefined {
  if (text === '' || text === RUNNING) return undefined
  try {
    // Only begin() writes anything else.
    return JSON.parse(text) as Noted
  } catch {
    // The machine went down in the middle of it: nobody is blamed.
    return undefined
  }
}
