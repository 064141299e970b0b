import { type MessagePort, Worker } from 'node:worker_threads'
import { type Clock, systemClock } from '../../clock.ts'
import { fromPortable, MillraceError } from '../../errors.ts'
import { portLink } from './link.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import type { WriterLimits } from './options.ts'
import { openForWriting } from './schema.ts'
import type { FromWriterThread, ToWriterThread } from './thread-messages.ts'
import { Writer } from './writer.ts'

/** The writer, wherever it runs. */
export interface WriterHost {
  /** Serves a client over the other end of this port. @param over what it holds when the port closes is given to others only then. */
  attach(port: MessagePort, over: Promise<void>): void
  /** Commits what is queued and closes the file. */
  close(): Promise<void>
  /** Resolves when it has ended by itself. */
  readonly failed: Promise<Error>
}

/** Starts the writer in a thread of its own; with a clock that is not the system's, in this one. */
export async function startWriter(file: string, limits: WriterLimits, clock: Clock = systemClock): Promise<WriterHost> {
  return clock === systemClock ? await startThread(file, limits) : startHere(file, limits, clock)
}

function startHere(file: string, limits: WriterLimits, clock: Clock): WriterHost {
  const failed = Promise.withResolvers<Error>()
  const writer = new Writer({ ...limits, open: () => openForWriting(file, limits), clock, onFailed: failed.resolve })
  return {
    attach: (port, over) => writer.attach(portLink<FromWriter, ToWriter>(port, over)),
    close: async () => writer.close(),
    failed: failed.promise,
  }
}

async function startThread(file: string, limits: WriterLimits): Promise<WriterHost> {
  const ready = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<Error>()
  const closed = Promise.withResolvers<void>()
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js', import.meta.url), {
    workerData: { file, limits },
  })
  let closing = false
  const fail = (error: Error) => {
    if (closing) return
    ready.reject(error)
    failed.resolve(error)
  }
  worker.on('message', (message: FromWriterThread) => {
    if (message.kind === 'ready') ready.resolve()
    else if (message.kind === 'failed') fail(fromPortable(message.error))
    else if (message.error === undefined) closed.resolve()
    else closed.reject(fromPortable(message.error))
  })
  worker.on('error', fail)
  worker.on('exit', code => {
    fail(new MillraceError('ENGINE_FAILED', `The writer’s thread ended with code ${code}.`))
    closed.resolve()
  })
  const send = (message: ToWriterThread, transfer: MessagePort[]) => worker.postMessage(message, transfer)
  await ready.promise
  let connections = 0
  return {
    attach(port, over) {
      const connection = ++connections
      send({ kind: 'connect', connection, port }, [port])
      void over.then(() => send({ kind: 'over', connection }, []))
    },
    async close() {
      closing = true
      send({ kind: 'close' }, [])
      await closed.promise
      await worker.terminate()
    },
    failed: failed.promise,
  }
}
