import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../clock.ts'
import { toPortable } from '../../errors.ts'
import { portLink } from './link.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import type { WriterLimits } from './options.ts'
import { openForWriting } from './schema.ts'
import type { FromWriterThread, ToWriterThread } from './thread-messages.ts'
import { Writer } from './writer.ts'

/* The writer in a thread of its own: a slow disk holds up no one else. */

// Given by open.ts, which starts this file.
const { file, limits } = workerData as { readonly file: string; readonly limits: WriterLimits }
const parent = parentPort as MessagePort
const tell = (message: FromWriterThread) => parent.postMessage(message)

try {
  const writer = new Writer({
    open: () => openForWriting(file, limits),
    clock: systemClock,
    idRetentionMs: limits.idRetentionMs,
    traceRetentionMs: limits.traceRetentionMs,
    onFailed: error => tell({ kind: 'failed', error: toPortable(error) }),
  })
  const overs = new Map<number, () => void>()
  parent.on('message', (message: ToWriterThread) => {
    if (message.kind === 'connect') {
      const over = Promise.withResolvers<void>()
      overs.set(message.connection, over.resolve)
      writer.attach(portLink<FromWriter, ToWriter>(message.port, over.promise))
    } else if (message.kind === 'over') {
      overs.get(message.connection)?.()
      overs.delete(message.connection)
    } else {
      try {
        writer.close()
        tell({ kind: 'closed' })
      } catch (error) {
        tell({ kind: 'closed', error: toPortable(error) })
      }
      parent.close()
    }
  })
  tell({ kind: 'ready' })
} catch (error) {
  tell({ kind: 'failed', error: toPortable(error) })
}
