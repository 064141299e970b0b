import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Engine } from '../engine.ts'
import { EmbeddedClient } from './client.ts'
import { makeDataDirectory } from './data-directory.ts'
import { portLink } from './link.ts'
import { LOCK_FILE, lockDirectory } from './lock.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import { DATABASE_FILE, databaseFile, type EmbeddedOptions, limitsOf } from './options.ts'
import { Reader } from './reader.ts'
import { openForReading } from './schema.ts'
import { startWriter } from './writer-host.ts'

/** The engine as the main thread has it. */
export interface EmbeddedEngine extends Engine {
  /**
   * A port for one worker thread, to be given to {@link connectEmbedded} there.
   * @param over what the thread holds when it dies is given to others only then. Default: at once.
   */
  connect(over?: Promise<void>): MessagePort
  /** Resolves with what ended the writer, should it ever end by itself: the process is to stop then. */
  readonly failed: Promise<Error>
}

/**
 * Opens a data directory for this process alone and starts its writer.
 * @throws CONFIG_INVALID where the directory cannot be made, DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_VERSION
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedEngine> {
  makeDataDirectory(options.directory, [LOCK_FILE, DATABASE_FILE])
  const unlock = lockDirectory(options.directory)
  try {
    const file = databaseFile(options.directory)
    const writer = await startWriter(file, limitsOf(options), options.clock)
    const connect = (over = Promise.resolve()) => {
      const { port1, port2 } = new MessageChannel()
      writer.attach(port1, over)
      return port2
    }
    const db = openForReading(file)
    const client = new EmbeddedClient(portLink<ToWriter, FromWriter>(connect()), new Reader(db), async () => {
      db.close()
      try {
        await writer.close()
      } finally {
        unlock()
      }
    })
    return Object.assign(client, { connect, failed: writer.failed })
  } catch (error) {
    unlock()
    throw error
  }
}

/** The same engine in a worker thread, over the port that the main thread gave it. */
export function connectEmbedded(options: { readonly directory: string; readonly port: MessagePort }): Engine {
  const db = openForReading(databaseFile(options.directory))
  return new EmbeddedClient(portLink<ToWriter, FromWriter>(options.port), new Reader(db), async () => db.close())
}
