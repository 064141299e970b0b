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
  /** Of the process that wrote it: what the threads of one process do to each other is seen by its watchdogs. */
  readonly process: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** How many processes in a row have begun it, and not got beyond. */
  readonly deaths: number
}

/**
 * Which datum's handler is on the stack, in a small file: what memory cannot tell when the handler ends the whole process. It is written
 * only where the process before has not ended in order, and of the data that it may have had in hand, so that normal operation pays nothing. A
 * crash of the machine may lose it, and costs a round more then.
 */
export class CrashNote {
  /** Whether the process before has not ended in order. */
  readonly isWanted: boolean
  readonly #process: string
  readonly #fd: number
  readonly #before: Noted | undefined
  #clear = true

  /** @param process names this process, among all that come one after the other. */
  constructor(path: string, process: string) {
    const text = textOf(path)
    this.#process = process
    this.isWanted = text !== '' && !text.includes(process)
    this.#before = this.isWanted ? notedIn(text) : undefined
    mkdirSync(dirname(path), { recursive: true })
    // Neither 'w', which empties the file, nor 'r+', which makes none.
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    // What the process before has left counts until something else is noted.
    if (!this.isWanted) this.#write(this.#running)
  }

  /** A handler is about to be called. */
  begin(topic: string, partition: number, offset: number): void {
    const again = this.#before?.topic === topic && this.#before.partition === partition && this.#before.offset === offset
    const deaths = again ? this.#before.deaths + 1 : 1
    this.#write(JSON.stringify({ process: this.#process, topic, partition, offset, deaths } satisfies Noted))
    this.#clear = false
  }

  /** The handler has returned. */
  clear(): void {
    if (this.#clear) return
    this.#write(this.#running)
    this.#clear = true
  }

  /** The agent ends in order. */
  close(): void {
    this.#write('')
    closeSync(this.#fd)
  }

  get #running(): string {
    return `${RUNNING} ${this.#process}`
  }

  #write(text: string): void {
    writeSync(this.#fd, text.padEnd(NOTE_BYTES), 0)
  }
}

/** The datum that the processes before ended with, as a suspect. @param attempts of the agent's policy. @param process this one: what it has noted itself it need not be told. */
export function suspectNotedIn(path: string, agent: string, attempts: number, process: string): Suspect | undefined {
  const noted = notedIn(textOf(path))
  if (noted === undefined || noted.process === process) return undefined
  const { deaths, topic, partition, offset } = noted
  const reason = new MillraceError('AGENT_CRASHED', `${deaths} processes in a row ended while the handler of ${agent} was at this datum.`, {
    fix: 'Look at what the handler loads: native code, memory outside of the heap, a call that ends the process.',
  })
  return { topic, partition, offset, attempts: deaths < MIN_DEATHS ? Math.min(deaths, attempts - 1) : deaths, reason: toPortable(reason) }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}

function notedIn(text: string): Noted | undefined {
  if (text === '' || text.startsWith(RUNNING)) return undefined
  try {
    // Only begin() writes anything else.
    return JSON.parse(text) as Noted
  } catch {
    // The machine went down in the middle of it: nobody is blamed.
    return undefined
  }
}
