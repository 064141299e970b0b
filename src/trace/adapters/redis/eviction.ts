import { isMillraceError } from '../../../errors.ts'
import type { Connection } from './connection.ts'
import { textOrNull } from './reply.ts'

/** Says so where the server would drop marks when its memory is full, rather than refuse new ones. */
export async function warnOfEviction(connection: Connection, warn: (text: string) => void): Promise<void> {
  const memory = await memoryOf(connection)
  if (memory === undefined) return
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction'
  const limit = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0)
  // Without a limit nothing is evicted, whatever the policy.
  if (policy === 'noeviction' || limit === 0) return
  warn(
    `The trace at ${connection.where} evicts when its memory is full (maxmemory-policy ${policy}): what loses its mark so is worked on again. ` +
      'Set maxmemory-policy noeviction: then agents hold their work until there is room, and nothing is done twice.',
  )
}

/** INFO and not CONFIG, which managed servers refuse. A user who may not ask is not told. */
async function memoryOf(connection: Connection): Promise<string | undefined> {
  try {
    return textOrNull(await connection.send('', ['INFO', 'memory'])) ?? undefined
  } catch (error) {
    if (isMillraceError(error, 'TRACE_DENIED')) return undefined
    throw error
  }
}
