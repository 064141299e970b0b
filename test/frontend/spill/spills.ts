import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { openSpill } from '../../../src/frontend/spill/open.ts'
import type { Spill, SpillOptions } from '../../../src/frontend/spill/spill.ts'
import type { SpillFact } from '../../../src/instrumentation/recorder.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { ScriptedStream } from './scripted-stream.ts'

export const MB = 1_000_000

/** Time that passes fifty times as fast, for what is tried again only after a while. */
export const hurried: Clock = {
  now: () => Date.now() * 50,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
  after: (ms, fire) => systemClock.after(ms / 50, fire),
}

/** A spill before a scripted stream, with what it told. */
export interface Opened {
  readonly spill: Spill
  readonly stream: ScriptedStream
  readonly directory: string
  readonly notices: string[]
  readonly facts: SpillFact[]
}

/** Spills of one test file, closed and removed after each test. */
export function spills(): {
  directory(): string
  open(options?: Partial<Omit<SpillOptions, 'stream'>> & { stream?: ScriptedStream }): Promise<Opened>
} {
  const directories: string[] = []
  const opened: Opened[] = []
  afterEach(async () => {
    for (const { spill, stream } of opened.splice(0)) {
      stream.dispose()
      await spill.close(0)
    }
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
  })
  function directory(): string {
    const made = mkdtempSync(join(tmpdir(), 'millrace-spill-'))
    directories.push(made)
    return made
  }
  return {
    directory,
    async open(options = {}) {
      const stream = options.stream ?? new ScriptedStream()
      const at = options.directory ?? directory()
      const notices: string[] = []
      const facts: SpillFact[] = []
      const spill = await openSpill({
        maxBytes: 100 * MB,
        topics: [{ name: 'demand', partitions: 4 }],
        clock: systemClock,
        openLog: openEmbedded,
        appendTimeoutMs: 100,
        sendTimeoutMs: 500,
        recorder: { spill: fact => facts.push(fact) },
        log: { info: text => notices.push(text), warn: text => notices.push(text) },
        // The shortest pauses there are.
        random: () => 0,
        ...options,
        stream,
        directory: at,
      })
      const one = { spill, stream, directory: at, notices, facts }
      opened.push(one)
      return one
    },
  }
}

/** Waits until appends go to the stream again, and the log's space has been given back. */
export async function direct({ spill, directory }: Opened): Promise<void> {
  await eventually(
    () => `appends are direct again: ${JSON.stringify(spill.status())}`,
    () => (spill.status().state === 'direct' && !existsSync(join(directory, 'log')) ? true : undefined),
  )
}
