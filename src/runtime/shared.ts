import { systemClock } from '../clock.ts'
import type { Engine } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import type { Config } from './config.ts'
import { openDistributed, pipelinesOn } from './distributed.ts'

/**
 * Opens what processes share, for a command that runs no pipeline itself: that of the pipeline named, or of the only one there is.
 * @throws CONFIG_INVALID where it is not clear which is meant, and what openDistributed throws.
 */
export async function openShared(config: Config, warn: (text: string) => void): Promise<Engine> {
  const { connections } = config
  if (connections === undefined) throw new TypeError('openShared needs connections.')
  const pipeline = config.pipeline ?? only(await pipelinesOn(connections.stream))
  return openDistributed(connections, { pipeline, clock: systemClock, held: error => error && warn(error.message), warn })
}

function only(names: readonly string[]): string {
  const [first] = names
  if (first !== undefined && names.length === 1) return first
  const what = first === undefined ? 'No pipeline has run on this stream yet.' : `${names.length} pipelines share this stream.`
  throw new MillraceError('CONFIG_INVALID', what, {
    fix:
      first === undefined
        ? 'Start one on it first, or check its address.'
        : `Name the one to look at with --pipeline: ${names.join(', ')}.`,
  })
}
