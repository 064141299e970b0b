import { systemClock } from '../../clock.ts'
import type { Engine } from '../engine.ts'
import { EmbeddedClient } from './client.ts'
import { localLinks } from './link.ts'
import type { FromWriter, ToWriter } from './messages.ts'
import { type EmbeddedOptions, limitsOf } from './options.ts'
import { Reader } from './reader.ts'
import { openForWriting } from './schema.ts'
import { Writer } from './writer.ts'

/** The engine in memory, in this thread: the same writer over a database that ends with it. */
export async function openInMemory(options: Omit<EmbeddedOptions, 'directory'> = {}): Promise<Engine> {
  const limits = limitsOf(options)
  const writer = new Writer({
    ...limits,
    open: () => openForWriting(':memory:', limits),
    clock: options.clock ?? systemClock,
    onFailed() {},
  })
  const [ours, its] = localLinks<ToWriter, FromWriter>()
  writer.attach(its)
  return new EmbeddedClient(ours, new Reader(writer.db), async () => writer.close())
}
