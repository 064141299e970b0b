import type { Clock } from '../clock.ts'
import { isMillraceError } from '../errors.ts'
import type { AnyAgent } from '../pipeline.ts'
import type { Log } from './log.ts'

/**
 * Opens the stores that this process will write to once, before anything is accepted: a wrong password, a missing bucket, a table with other
 * columns are told at once. One that is away may come back, and data wait for it in the stream. @throws STORE_DENIED, TABLE_MISMATCH, CONFIG_INVALID
 */
export async function checkStores(agents: readonly AnyAgent[], clock: Clock, log: Log): Promise<void> {
  await Promise.all(
    agents.map(async agent => {
      if (agent.kind !== 'storage-agent') return
      try {
        const writer = await agent.store.open(clock, agent.from)
        await writer.close()
      } catch (error) {
        if (!isMillraceError(error, 'STORE_UNAVAILABLE')) throw error
        log.warn(
          `${agent.name}@${agent.version}: ${error.message} Its data wait in the stream until then.`,
          `${agent.name}@${agent.version}`,
          error,
        )
      }
    }),
  )
}
